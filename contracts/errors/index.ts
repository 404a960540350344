// The errors alone: what a thread needs that must not load the schemas.
export { ERROR_CATALOGUE, isErrorCode, type ErrorCode } from "./catalogue.ts";
export { LogoMeshError, type LogoMeshErrorOptions } from "./logoMeshError.ts";
export type { ErrorDefinition } from "./defineErrors.ts";
export type { InputProblem, Problem } from "./problem.ts";
