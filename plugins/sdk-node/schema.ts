import type { JsonValue } from "./jsonValue.ts";
import { checkKeywords } from "./validate.ts";

/** A JSON Schema (2020-12) as plain data. */
export type JsonSchema = { [keyword: string]: JsonValue };

/** Whether an object must have the property; a `default` fills it in, so that the handler always sees it. */
export type Presence = "required" | "optional" | "default";

/** A JSON Schema that knows the TypeScript type of the values it accepts. Make one with `s`. */
export class Schema<T, P extends Presence = "required"> {
  readonly json: JsonSchema;
  readonly presence: P;
  /** Only a type: `typeof schema.type` is what it accepts. */
  declare readonly type: T;

  constructor(json: JsonSchema, presence: P) {
    this.json = json;
    this.presence = presence;
  }

  /** The property may be absent. */
  optional(): Schema<T, "optional"> {
    return new Schema<T, "optional">(this.json, "optional");
  }

  /** The property may be absent, and the handler then sees `value`. */
  default(value: T & JsonValue): Schema<T, "default"> {
    return new Schema<T, "default">({ ...this.json, default: value }, "default");
  }

  /** What the value means, for people and models that fill it in. */
  describe(description: string): Schema<T, P> {
    return new Schema<T, P>({ ...this.json, description }, this.presence);
  }
}

type AnySchema = Schema<unknown, Presence>;
type Shape = Record<string, AnySchema>;
type OptionalKeys<S extends Shape> = {
  [K in keyof S]: S[K] extends Schema<unknown, "optional"> ? K : never;
}[keyof S];
type ObjectOf<S extends Shape> = { [K in Exclude<keyof S, OptionalKeys<S>>]: S[K]["type"] } & {
  [K in OptionalKeys<S>]?: S[K]["type"];
};
type Flat<T> = { [K in keyof T]: T[K] };

interface StringOptions {
  minLength?: number;
  /** In code points, as JSON Schema counts. */
  maxLength?: number;
  pattern?: string;
}

interface NumberOptions {
  minimum?: number;
  maximum?: number;
  exclusiveMinimum?: number;
  exclusiveMaximum?: number;
}

interface ArrayOptions {
  minItems?: number;
  maxItems?: number;
}

function required<T>(json: JsonSchema): Schema<T> {
  return new Schema<T, "required">(json, "required");
}

/** Builds schemas: `s.object({ text: s.string(), limit: s.integer({ minimum: 1 }).default(10) })`. */
export const s = {
  string: (options: StringOptions = {}) => required<string>({ type: "string", ...options }),
  number: (options: NumberOptions = {}) => required<number>({ type: "number", ...options }),
  integer: (options: NumberOptions = {}) => required<number>({ type: "integer", ...options }),
  boolean: () => required<boolean>({ type: "boolean" }),
  oneOf: <const V extends string>(...values: [V, ...V[]]) => required<V>({ type: "string", enum: values }),
  array: <T>(items: Schema<T, Presence>, options: ArrayOptions = {}) =>
    required<T[]>({ type: "array", items: items.json, ...options }),
  /** An object with these properties and no others. */
  object: <S extends Shape>(shape: S) =>
    required<Flat<ObjectOf<S>>>({
      type: "object",
      properties: Object.fromEntries(Object.entries(shape).map(([key, schema]) => [key, schema.json])),
      required: Object.keys(shape).filter((key) => shape[key]?.presence === "required"),
      additionalProperties: false,
    }),
  /** An object with any keys. */
  record: <T>(values: Schema<T, Presence>) =>
    required<Record<string, T>>({ type: "object", additionalProperties: values.json }),
  nullable: <T>(schema: Schema<T, Presence>) => required<T | null>({ anyOf: [schema.json, { type: "null" }] }),
  /** Any JSON value. */
  json: () => required<JsonValue>({}),
  /**
   * A JSON Schema written by hand; `T` is your word for what it accepts.
   * @throws TypeError for a keyword that arguments would not be checked against
   */
  from: <T>(json: JsonSchema) => {
    checkKeywords(json);
    return required<T>(json);
  },
};
