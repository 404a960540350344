/** An invariant of our own code: a failure is a bug, never a fault of the input. Stays on in production. */
export function assert(condition: unknown, message: string): asserts condition {
  if (!condition) throw new BugError(message);
}

/** Marks a branch that the types rule out. */
export function assertNever(value: never, what: string): never {
  throw new BugError(`Unexpected ${what}: ${JSON.stringify(value)}`);
}

export class BugError extends Error {
  override readonly name = "BugError";
}
