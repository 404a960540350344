import { MarkNote } from "./MarkNote.tsx";

const LOOK = { tone: "uncertain", icon: "warning", label: "mock" } as const;

/** Says wherever text of the simulated model is shown that no real model wrote it, and what would change that. */
export function MockNote({ hint }: { hint: string | undefined }) {
  return <MarkNote look={LOOK} note={`A deterministic stand-in answered, no real model. ${hint ?? ""}`.trim()} />;
}
