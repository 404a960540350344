import { LogoMeshError, type JsonValue } from "@logomesh/contracts";
import type { z } from "zod";

/** The evaluated `with` of a call in its type. @throws LogoMeshError LM_INPUT_INVALID with a pointer for each fault */
export function parseArguments<T extends z.ZodType>(schema: T, value: JsonValue, call: string): z.output<T> {
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  const problems = parsed.error.issues.map(({ path, message }) => ({
    pointer: path.map((step) => `/${String(step)}`).join(""),
    message,
  }));
  const [first] = problems;
  const place = first === undefined || first.pointer === "" ? "" : ` ${first.pointer}:`;
  throw new LogoMeshError(
    "LM_INPUT_INVALID",
    `The \`with\` of \`call: ${call}\` is not valid:${place} ${first?.message ?? ""}`,
    {
      problems,
    },
  );
}
