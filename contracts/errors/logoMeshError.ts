import type { JsonObject } from "../json.ts";
import { ERROR_CATALOGUE, isErrorCode, type ErrorCode } from "./catalogue.ts";
import type { InputProblem, Problem } from "./problem.ts";

export interface LogoMeshErrorOptions {
  cause?: unknown;
  /** Machine-readable context; never secrets, prompts or note text. */
  data?: JsonObject;
  /** The faulty fields, for errors about input. */
  problems?: readonly InputProblem[];
  /** Replaces the catalogue's `retryable` for this occurrence. */
  retryable?: boolean;
}

/** An operational error: its code is in the catalogue, its detail says what failed and what to do. */
export class LogoMeshError extends Error {
  override readonly name = "LogoMeshError";
  readonly code: ErrorCode;
  readonly data: JsonObject | undefined;
  readonly problems: readonly InputProblem[] | undefined;
  readonly #retryable: boolean | undefined;

  constructor(code: ErrorCode, detail: string, options: LogoMeshErrorOptions = {}) {
    super(detail, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.data = options.data;
    this.problems = options.problems;
    this.#retryable = options.retryable;
  }

  get status(): number {
    return ERROR_CATALOGUE[this.code].status;
  }

  get retryable(): boolean {
    return this.#retryable ?? ERROR_CATALOGUE[this.code].retryable;
  }

  /** The RFC 9457 document: what HTTP, WebSocket, CLI and stored runs carry. */
  toProblem(): Problem {
    const { status, title } = ERROR_CATALOGUE[this.code];
    return {
      type: `https://logomesh.dev/errors/${this.code}`,
      status,
      title,
      detail: this.message,
      code: this.code,
      retryable: this.retryable,
      ...(this.data === undefined ? {} : { data: this.data }),
      ...(this.problems === undefined ? {} : { problems: [...this.problems] }),
    };
  }

  /** Rebuilds the error on the other side of a process or thread boundary. */
  static fromProblem(problem: Problem): LogoMeshError {
    const code = isErrorCode(problem.code) ? problem.code : "LM_INTERNAL";
    return new LogoMeshError(code, problem.detail ?? problem.title, {
      ...(problem.data === undefined ? {} : { data: problem.data }),
      ...(problem.problems === undefined ? {} : { problems: problem.problems }),
      ...(problem.retryable === undefined ? {} : { retryable: problem.retryable }),
    });
  }
}
