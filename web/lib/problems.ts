/** Any failure as a problem that a person can act on. */
import { ERROR_CATALOGUE, LogoMeshError, isErrorCode, type InputProblem } from "@logomesh/contracts";

export interface ShownProblem {
  title: string;
  code: string;
  detail?: string;
  help?: string;
  problems?: readonly InputProblem[];
}

export function problemOf(error: unknown): ShownProblem {
  if (error instanceof LogoMeshError) {
    return {
      title: ERROR_CATALOGUE[error.code].title,
      code: error.code,
      detail: error.message,
      help: ERROR_CATALOGUE[error.code].help,
      ...(error.problems === undefined ? {} : { problems: error.problems }),
    };
  }
  // `fetch` rejects with a TypeError when nothing answers.
  if (error instanceof TypeError) return ofCode("LM_API_NO_SERVER", error.message);
  return ofCode("LM_INTERNAL", error instanceof Error ? error.message : String(error));
}

/** The problem of an error that a run stored. */
export function problemOfStored(error: {
  code?: string | undefined;
  title?: string | undefined;
  detail?: string | undefined;
  type: string;
}): ShownProblem {
  const known = error.code !== undefined && isErrorCode(error.code) ? ERROR_CATALOGUE[error.code] : undefined;
  return {
    title: error.title ?? known?.title ?? "The task faulted",
    code: error.code ?? error.type,
    ...(error.detail === undefined ? {} : { detail: error.detail }),
    ...(known === undefined ? {} : { help: known.help }),
  };
}

export function isUnauthenticated(error: unknown): boolean {
  return error instanceof LogoMeshError && error.code === "LM_API_UNAUTHENTICATED";
}

function ofCode(code: "LM_API_NO_SERVER" | "LM_INTERNAL", detail: string): ShownProblem {
  const { title, help } = ERROR_CATALOGUE[code];
  return { title, code, detail, help };
}
