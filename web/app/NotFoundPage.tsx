import { Anchor } from "@mantine/core";
import { Link } from "@tanstack/react-router";
import { EmptyState } from "../components/States.tsx";

export function NotFoundPage() {
  return (
    <EmptyState
      title="There is no such page"
      action={
        <Anchor component={Link} to="/">
          Go home
        </Anchor>
      }
    >
      The address may be from a newer version, or mistyped.
    </EmptyState>
  );
}
