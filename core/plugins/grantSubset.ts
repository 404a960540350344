import { LogoMeshError, type JsonObject, type JsonValue } from "@logomesh/contracts";
import { canonicalJson, isObject } from "../base/index.ts";

// A person may grant less than a manifest asks for: leave permissions out, items of their lists, or grant smaller amounts. Never more.

/** The permissions to grant. @throws LogoMeshError LM_INPUT_INVALID for anything that the manifest does not ask for */
export function assertSubset(wanted: JsonObject, { asked, pluginId }: { asked: JsonObject; pluginId: string }): void {
  for (const [name, value] of Object.entries(wanted)) {
    const request = Object.hasOwn(asked, name) ? asked[name] : undefined;
    if (request === undefined)
      throw new LogoMeshError("LM_INPUT_INVALID", `${pluginId} does not ask for ${name}; it cannot be granted.`);
    if (!isWithin(value, request))
      throw new LogoMeshError(
        "LM_INPUT_INVALID",
        `What shall be granted of ${name} is more than ${pluginId} asks for. Leave entries out, or take smaller amounts.`,
      );
  }
}

/** What both grant: permissions of both, entries of both lists, the smaller amounts. */
export function commonPermissions(one: JsonObject, other: JsonObject): JsonObject {
  const names = Object.keys(one).filter((name) => Object.hasOwn(other, name));
  return Object.fromEntries(names.map((name) => [name, commonPart(one[name] ?? null, other[name] ?? null)]));
}

function commonPart(one: JsonValue, other: JsonValue): JsonValue {
  if (Array.isArray(one) && Array.isArray(other)) {
    const entries = new Set(other.map((entry) => canonicalJson(entry)));
    return one.filter((entry) => entries.has(canonicalJson(entry)));
  }
  if (typeof one === "number" && typeof other === "number") return Math.min(one, other);
  if (!isObject(one) || !isObject(other)) return one;
  return Object.fromEntries(Object.entries(one).map(([key, value]) => [key, commonPart(value, other[key] ?? value)]));
}

/** Lists may be shorter, amounts smaller; everything else is the same. */
function isWithin(value: JsonValue, request: JsonValue): boolean {
  if (Array.isArray(value) && Array.isArray(request)) {
    const entries = new Set(request.map((entry) => canonicalJson(entry)));
    return value.every((entry) => entries.has(canonicalJson(entry)));
  }
  if (!isObject(value) || !isObject(request)) return canonicalJson(value) === canonicalJson(request);
  const keys = Object.keys(value);
  return (
    keys.length === Object.keys(request).length &&
    keys.every((key) => {
      const [granted, most] = [value[key] ?? null, Object.hasOwn(request, key) ? (request[key] ?? null) : null];
      if (typeof granted === "number" && typeof most === "number") return granted <= most;
      return isWithin(granted, most);
    })
  );
}
