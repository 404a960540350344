import { LogoMeshError, type InputProblem } from "@logomesh/contracts";
import { LineCounter, isMap, isNode, isScalar, parseDocument, type Document } from "yaml";
import type { z } from "zod";

/**
 * Parses settings written as YAML; an empty text means defaults.
 * @throws LogoMeshError LM_SETTINGS_INVALID with one problem per fault; its detail names file, line and column of the first
 */
export function parseSettings<S extends z.ZodType>(
  text: string,
  { file, schema }: { file: string; schema: S },
): z.output<S> {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false });
  const problemAt = (offset: number, fault: { path: PropertyKey[]; message: string }): InputProblem => {
    const { line, col } = lines.linePos(offset);
    return { pointer: pointerOf(fault.path), message: fault.message, line, column: col };
  };
  const faults = document.errors.map(({ pos, message }) => problemAt(pos[0], { path: [], message }));
  if (faults.length > 0) throw invalid(file, faults);
  const result = schema.safeParse(document.toJS() ?? {});
  if (result.success) return result.data;
  throw invalid(
    file,
    result.error.issues.flatMap((issue) =>
      issue.code === "unrecognized_keys"
        ? issue.keys.map((key) => {
            const path = [...issue.path, key];
            return problemAt(offsetOf(document, path), { path, message: `there is no setting "${key}"` });
          })
        : [problemAt(offsetOf(document, issue.path), { path: issue.path, message: issue.message })],
    ),
  );
}

function invalid(file: string, problems: InputProblem[]): LogoMeshError {
  const lines = problems.map(
    ({ line, column, pointer, message }) =>
      `${file}:${line ?? 1}:${column ?? 1}: ${pointer === "" ? "" : `${pointer}: `}${message}`,
  );
  return new LogoMeshError("LM_SETTINGS_INVALID", `The settings are not valid. ${lines.join("; ")}`, { problems });
}

function pointerOf(path: PropertyKey[]): string {
  return path.map((part) => `/${String(part).replaceAll("~", "~0").replaceAll("/", "~1")}`).join("");
}

/** Offset of the key that a path ends at, else of its value, else of the nearest thing around it. */
function offsetOf(document: Document, path: PropertyKey[]): number {
  for (let length = path.length; length > 0; length -= 1) {
    const parent: unknown = length === 1 ? document.contents : document.getIn(path.slice(0, length - 1), true);
    const last = path[length - 1];
    if (isMap(parent)) {
      const key: unknown = parent.items.find(({ key }) => isScalar(key) && key.value === last)?.key;
      if (isNode(key)) return key.range?.[0] ?? 0;
    }
    const value: unknown = document.getIn(path.slice(0, length), true);
    if (isNode(value)) return value.range?.[0] ?? 0;
  }
  return 0;
}
