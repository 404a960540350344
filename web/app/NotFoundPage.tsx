import { TextLink } from "../components/links.tsx";
import { EmptyState } from "../components/States.tsx";

export function NotFoundPage() {
  return (
    <EmptyState title="There is no such page" action={<TextLink to="/">Go home</TextLink>}>
      The address may be from a newer version, or mistyped.
    </EmptyState>
  );
}
