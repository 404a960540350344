import { BUILTIN_CALLS, CALLS_NOT_SUPPORTED, CALL_FIELDS, CALL_REQUIRED } from "./parseCall.ts";
import { BASE_FIELDS, EXTRA_FIELDS, TYPES } from "./parseTask.ts";

/** What the reader accepts, for its documentation: fields as it checks them. */
export interface LanguageTables {
  /** Members that every task may have. */
  sharedFields: readonly string[];
  /** Members of their own, besides the one that names the type. */
  tasks: Readonly<Record<string, readonly string[]>>;
  calls: Readonly<Record<string, { required: readonly string[]; fields: readonly string[] }>>;
  callsNotSupported: readonly string[];
}

export function languageTables(): LanguageTables {
  return {
    sharedFields: BASE_FIELDS,
    tasks: Object.fromEntries(TYPES.map((type) => [type, EXTRA_FIELDS[type] ?? []])),
    calls: Object.fromEntries(
      BUILTIN_CALLS.map((call) => [call, { required: CALL_REQUIRED[call], fields: CALL_FIELDS[call] }]),
    ),
    callsNotSupported: CALLS_NOT_SUPPORTED,
  };
}
