/** What a plugin asks for, one row for each permission with the reason that its author gives. */
import type { PluginPermissions } from "@logomesh/contracts";
import { formatBytes, formatCount } from "../../lib/format.ts";

export interface PermissionRow {
  /** As policies name it. */
  permission: string;
  what: string;
  why: string;
}

export function permissionRows(permissions: PluginPermissions): PermissionRow[] {
  const rows: PermissionRow[] = [];
  const add = (permission: string, what: string, { why }: { why: string }) => rows.push({ permission, what, why });
  for (const kind of ["fs.read", "fs.propose", "fs.mount"] as const) {
    for (const entry of permissions[kind] ?? []) add(kind, entry.path, entry);
  }
  const { store, env } = permissions;
  const data = permissions["fs.data"];
  if (data !== undefined) add("fs.data", `its own folder, up to ${data.max_mb} MiB`, data);
  for (const entry of permissions["net.fetch"] ?? []) add("net.fetch", hostText(entry), entry);
  const generate = permissions["llm.generate"];
  if (generate !== undefined) {
    const limit = formatCount(generate.max_tokens_per_day, "token");
    add("llm.generate", `${generate.models.join(", ")}, up to ${limit} a day`, generate);
  }
  for (const entry of permissions["plugin.call"] ?? []) add("plugin.call", entry.target, entry);
  for (const kind of ["event.publish", "event.subscribe"] as const) {
    for (const entry of permissions[kind] ?? []) add(kind, entry.type, entry);
  }
  if (store !== undefined) add("store", `up to ${formatBytes(store.max_bytes)}`, store);
  for (const kind of ["thought.read", "thought.write", "model.propose"] as const) {
    const entry = permissions[kind];
    if (entry !== undefined) add(kind, "", entry);
  }
  for (const entry of env ?? []) add("env", entry.name, entry);
  return rows;
}

/** A person decides by this line what a tunnel keeps from them. */
function hostText({ host, methods, via }: NonNullable<PluginPermissions["net.fetch"]>[number]): string {
  if (via === undefined) return `${methods.join(", ")} ${host}`;
  return `connections of its own to ${host}, through the workbench, which sees host and port but not what is sent`;
}

export function rowKey({ permission, what }: PermissionRow): string {
  return `${permission} ${what}`;
}

/** What remains of a request when only some of its rows are granted. */
export function partOf(permissions: PluginPermissions, isKept: (row: PermissionRow) => boolean): PluginPermissions {
  const keeps = (part: PluginPermissions): boolean => permissionRows(part).every(isKept);
  const entries = Object.entries(permissions).flatMap(([name, value]): [string, unknown][] => {
    if (!Array.isArray(value)) return keeps({ [name]: value }) ? [[name, value]] : [];
    const kept = (value as unknown[]).filter((entry) => keeps({ [name]: [entry] }));
    return kept.length === 0 ? [] : [[name, kept]];
  });
  return Object.fromEntries(entries);
}
