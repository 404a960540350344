import { LogoMeshError, type Problem } from "@logomesh/contracts/errors";

/** True for the error that an aborted signal raises: it passes through untouched. */
export function isCancellation(error: unknown): boolean {
  return error instanceof Error && error.name === "AbortError";
}

/** The message of anything that was thrown. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** Wraps what is not operational as LM_INTERNAL, so that every boundary answers with a code. */
export function toLogoMeshError(error: unknown): LogoMeshError {
  if (error instanceof LogoMeshError) return error;
  if (isCancellation(error)) return new LogoMeshError("LM_CANCELLED", "The operation was cancelled.", { cause: error });
  return new LogoMeshError("LM_INTERNAL", messageOf(error), { cause: error });
}

export function toProblem(error: unknown): Problem {
  return toLogoMeshError(error).toProblem();
}
