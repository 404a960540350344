import { LogoMeshError } from "@logomesh/contracts";
import type { z } from "zod";

/** The value of an environment variable; undefined when it is unset or empty. */
export function given(value: string | undefined): string | undefined {
  const trimmed = value?.trim();
  return trimmed === "" ? undefined : trimmed;
}

/**
 * Parses `{ NAME: value }`; undefined when it is unset or empty.
 * @throws LogoMeshError LM_SETTINGS_INVALID that names the variable and what it may be
 */
export function parseVariable<T>(variable: Record<string, string | undefined>, schema: z.ZodType<T>): T | undefined {
  for (const [name, text] of Object.entries(variable)) {
    const value = given(text);
    if (value === undefined) continue;
    const result = schema.safeParse(value);
    if (result.success) return result.data;
    const reason = result.error.issues.map(({ message }) => message).join("; ");
    throw new LogoMeshError(
      "LM_SETTINGS_INVALID",
      `The environment variable ${name}=${value} is not valid: ${reason}.`,
    );
  }
  return undefined;
}
