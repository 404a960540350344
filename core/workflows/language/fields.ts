import type { JsonObject, JsonValue } from "@logomesh/contracts";
import { isObject } from "../expressions/index.ts";
import type { Path, Problems } from "./problems.ts";

/** Reads members of a document with their types and reports what does not fit, naming the field and the fix. */
export class Fields {
  readonly value: JsonObject;
  readonly path: Path;
  readonly #problems: Problems;

  constructor(value: JsonObject, path: Path, problems: Problems) {
    this.value = value;
    this.path = path;
    this.#problems = problems;
  }

  has(name: string): boolean {
    return Object.hasOwn(this.value, name);
  }

  get(name: string): JsonValue | undefined {
    return this.has(name) ? this.value[name] : undefined;
  }

  text(name: string, options: { required?: boolean } = {}): string | undefined {
    return this.#typed(name, "a text", options, (value): value is string => typeof value === "string" && value !== "");
  }

  flag(name: string): boolean | undefined {
    return this.#typed(name, "true or false", {}, (value): value is boolean => typeof value === "boolean");
  }

  object(name: string, options: { required?: boolean } = {}): Fields | undefined {
    const value = this.#typed(name, "a mapping", options, isObject);
    return value === undefined ? undefined : new Fields(value, [...this.path, name], this.#problems);
  }

  warn(message: string, ...steps: Path): void {
    this.#problems.warn([...this.path, ...steps], message);
  }

  fault(message: string, ...steps: Path): void {
    this.#problems.add([...this.path, ...steps], message);
  }

  /** Reports members that are none of the known ones, with the nearest known name. */
  only(known: readonly string[], where: string): void {
    for (const name of Object.keys(this.value)) {
      if (known.includes(name)) continue;
      const near = nearest(name, known);
      this.fault(
        `“${name}” is not a field of ${where}${near === undefined ? `; known are ${known.join(", ")}` : `; did you mean “${near}”?`}`,
        name,
      );
    }
  }

  #typed<T extends JsonValue>(
    name: string,
    what: string,
    options: { required?: boolean },
    test: (value: JsonValue) => value is T,
  ): T | undefined {
    const value = this.get(name);
    if (value === undefined) {
      if (options.required === true) this.fault(`“${name}” is missing: give ${what}`);
      return undefined;
    }
    if (test(value)) return value;
    this.fault(`“${name}” must be ${what}`, name);
    return undefined;
  }
}

/** Nobody misspells a name by so much. */
const NAME_CHARS_MAX = 64;

/** The known name with the smallest edit distance, when it is close enough to be a misspelling. */
function nearest(name: string, known: readonly string[]): string | undefined {
  if (name.length > NAME_CHARS_MAX) return undefined;
  const scored = known
    .map((candidate) => ({ candidate, distance: editDistance(name.toLowerCase(), candidate.toLowerCase()) }))
    .sort((a, b) => a.distance - b.distance)[0];
  return scored !== undefined && scored.distance <= Math.max(1, Math.floor(name.length / 3))
    ? scored.candidate
    : undefined;
}

function editDistance(a: string, b: string): number {
  let previous = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (let row = 1; row <= a.length; row++) {
    const current = [row];
    for (let column = 1; column <= b.length; column++) {
      const change = (previous[column - 1] ?? 0) + (a[row - 1] === b[column - 1] ? 0 : 1);
      current.push(Math.min(change, (previous[column] ?? 0) + 1, (current[column - 1] ?? 0) + 1));
    }
    previous = current;
  }
  return previous[b.length] ?? 0;
}
