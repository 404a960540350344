/** Standard errors of the specification: name, default status, title. */
const STANDARD = {
  configuration: { status: 400, title: "Configuration Error" },
  validation: { status: 400, title: "Validation Error" },
  expression: { status: 400, title: "Expression Error" },
  authentication: { status: 401, title: "Authentication Error" },
  authorization: { status: 403, title: "Authorization Error" },
  timeout: { status: 408, title: "Timeout Error" },
  communication: { status: 500, title: "Communication Error" },
  runtime: { status: 500, title: "Runtime Error" },
} as const;

export type StandardError = keyof typeof STANDARD;

/** The one form that is emitted. */
const BASE = "https://open-workflow-specification.org/spec/1.0.0/errors/";

/**
 * The forms found in the specification's prose, its conformance kit, and documents from before the renaming:
 * either host, `/spec/1.0.0/errors/x`, `/spec/1.0.0/errors/types/x`, `/dsl/errors/types/x`.
 */
const ALIAS =
  /^https?:\/\/(?:www\.)?(?:open-workflow-specification\.org|serverlessworkflow\.io)\/(?:spec\/[\d.]+|dsl)\/errors\/(?:types\/)?([a-z-]+)\/?$/;

export function standardError(name: StandardError): { type: string; status: number; title: string } {
  return { type: `${BASE}${name}`, ...STANDARD[name] };
}

/** The emitted form of a standard type's alias; other types stay as they are. */
export function canonicalErrorType(type: string): string {
  const name = ALIAS.exec(type)?.[1];
  return name === undefined ? type : `${BASE}${name}`;
}

export function sameErrorType(a: string, b: string): boolean {
  return canonicalErrorType(a) === canonicalErrorType(b);
}
