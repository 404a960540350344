import { LogoMeshError, type JsonObject, type JsonValue } from "@logomesh/contracts";
import { assert, toJsonText } from "../base/index.ts";
import type { CloudEvent, EventDraft, SealedEvent } from "../ports/index.ts";

// What an event may be. The envelope is made here, from what was said and who said it, and nobody can change it afterwards.

const EVENT_BYTES_MAX = 256 * 1024;
const TYPE_CHARS_MAX = 200;
const NAME_CHARS_MAX = 500;
const EXTENSIONS_MAX = 16;
const EXTENSION_CHARS_MAX = 1_000;

const TYPE = /^[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)+$/;
const SYSTEM_TYPE = /^io\.logomesh(\.|$)/i;
const EXTENSION = /^[a-z0-9]{1,20}$/;
/** Attributes of the specification, which no extension can be called. */
const RESERVED = new Set([
  "specversion",
  "id",
  "source",
  "type",
  "subject",
  "time",
  "datacontenttype",
  "dataschema",
  "data",
]);

/** A published event with its size, which queues count. */
/** @throws LogoMeshError LM_INPUT_INVALID, LM_EVENT_FORGED, LM_TOO_LARGE */
export function sealEvent(
  draft: EventDraft,
  origin: { source: string; isSystem: boolean; newId: () => string; nowMs: number },
): SealedEvent {
  const { type, subject, data, extensions } = draft;
  assertType(type);
  assert(!origin.isSystem || SYSTEM_TYPE.test(type), `The workbench's own events begin with io.logomesh, not ${type}`);
  if (!origin.isSystem && SYSTEM_TYPE.test(type)) {
    throw new LogoMeshError(
      "LM_EVENT_FORGED",
      `${type} belongs to the workbench; ${origin.source} cannot publish it. Choose a type under a name of your own.`,
    );
  }
  assertName("source", origin.source);
  if (subject !== undefined) assertName("subject", subject);
  if (draft.id !== undefined) assertName("id", draft.id);
  if (extensions !== undefined) assertExtensions(extensions);
  const envelope = {
    specversion: "1.0",
    id: draft.id ?? origin.newId(),
    source: origin.source,
    type,
    ...(subject === undefined ? {} : { subject }),
    time: draft.time ?? new Date(origin.nowMs).toISOString(),
    ...(data === undefined ? {} : { datacontenttype: "application/json", data }),
    ...(extensions === undefined ? {} : { extensions }),
  } satisfies CloudEvent;
  const text = toJsonText(envelope, { what: "The event", bytesMax: EVENT_BYTES_MAX });
  return { event: freeze(JSON.parse(text) as JsonValue) as unknown as CloudEvent, bytes: Buffer.byteLength(text) };
}

/** @throws LogoMeshError LM_INPUT_INVALID */
export function assertType(type: string): void {
  if (type.length <= TYPE_CHARS_MAX && TYPE.test(type)) return;
  throw new LogoMeshError(
    "LM_INPUT_INVALID",
    `${JSON.stringify(type.slice(0, TYPE_CHARS_MAX))} is no event type; write words with dots between, like com.acme.order.paid.`,
  );
}

/** @throws LogoMeshError LM_INPUT_INVALID */
export function assertName(what: string, name: string): void {
  if (name.length > 0 && name.length <= NAME_CHARS_MAX && name.isWellFormed() && !/\p{Cc}/u.test(name)) return;
  throw new LogoMeshError(
    "LM_INPUT_INVALID",
    `The ${what} of an event has 1 to ${NAME_CHARS_MAX} characters, none of them a control character.`,
  );
}

function assertExtensions(extensions: JsonObject): void {
  const entries = Object.entries(extensions);
  const wrong = entries.find(([name, value]) => RESERVED.has(name) || !EXTENSION.test(name) || !isScalar(value));
  if (wrong === undefined && entries.length <= EXTENSIONS_MAX) return;
  throw new LogoMeshError(
    "LM_INPUT_INVALID",
    wrong === undefined
      ? `An event has at most ${EXTENSIONS_MAX} extension attributes.`
      : `${JSON.stringify(wrong[0].slice(0, 40))} is no extension attribute: names are 1 to 20 of a-z and 0-9, values texts of at most ${EXTENSION_CHARS_MAX} characters, booleans or integers.`,
  );
}

function isScalar(value: JsonValue): boolean {
  if (typeof value === "string") return value.length <= EXTENSION_CHARS_MAX && value.isWellFormed();
  return typeof value === "boolean" || (typeof value === "number" && Number.isSafeInteger(value));
}

function freeze<T extends JsonValue>(value: T): T {
  if (typeof value === "object" && value !== null) {
    for (const member of Object.values(value)) freeze(member);
    Object.freeze(value);
  }
  return value;
}
