import { LogoMeshError, type JsonObject, type JsonValue } from "@logomesh/contracts";
import { canonicalJson } from "../base/index.ts";

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

function isObject(value: JsonValue): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
