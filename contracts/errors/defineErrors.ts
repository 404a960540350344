/** One row of the error catalogue. */
export interface ErrorDefinition {
  /** HTTP status of the problem document. */
  readonly status: number;
  /** Short, constant title; the detail of an occurrence says what failed and what to do. */
  readonly title: string;
  /** Whether the same request may succeed later without being changed. */
  readonly retryable: boolean;
  /** One sentence for docs/errors.md: what to do about it. */
  readonly help: string;
}

/** Keeps the literal codes of a table while checking the shape of its rows. */
export function defineErrors<const T extends Record<`LM_${string}`, ErrorDefinition>>(table: T): T {
  return table;
}
