import type { JsonObject, JsonValue, PluginChanges, PluginManifest } from "@logomesh/contracts";
import { canonicalJson } from "../base/index.ts";
import type { PluginGrant } from "../ports/index.ts";

/** Fields that say how a plugin runs, besides its permissions and tools. */
const RUN_FIELDS = [
  ...(["runtime", "entry_point", "args", "security_level", "resource_limits"] as const),
  ...(["dependencies", "activation"] as const),
];

export interface ChangesSinceGrantOptions {
  sha256: string;
  manifest: PluginManifest;
  /** Of the staged copy with this hash. @throws when there is none */
  manifestOf: (sha256: string) => PluginManifest;
}

/** What differs between one content of a plugin and the granted one. Read once for each grant: an older version does not change. */
export class ChangesSinceGrant {
  readonly #options: ChangesSinceGrantOptions;
  #changes: PluginChanges | undefined;

  constructor(options: ChangesSinceGrantOptions) {
    this.#options = options;
  }

  of(grant: PluginGrant | undefined): { changes?: PluginChanges } {
    const { sha256, manifest, manifestOf } = this.#options;
    if (grant === undefined || grant.sha256 === sha256) return {};
    if (this.#changes?.fromSha256 !== grant.sha256) {
      try {
        const options = { after: manifest, granted: grant.permissions, fromSha256: grant.sha256 };
        this.#changes = describeChanges({ before: manifestOf(grant.sha256), ...options });
      } catch {
        // The copy of the granted version is gone; what it asked for is in the grant, the rest cannot be compared.
        return {};
      }
    }
    return { changes: this.#changes };
  }
}

/** What a person who granted `before` has to look at in `after`. */
function describeChanges({
  before,
  after,
  granted,
  fromSha256,
}: {
  before: PluginManifest;
  after: PluginManifest;
  /** The permissions of the grant: at most those of `before`. */
  granted: JsonObject;
  fromSha256: string;
}): PluginChanges {
  const asked = after.permissions as JsonObject;
  const changed: PluginChanges["permissions"]["changed"] = {};
  for (const [name, value] of Object.entries(asked)) {
    const there = granted[name];
    if (there !== undefined && !isSame(there, value)) changed[name] = { before: there, after: value };
  }
  const shared = Object.keys(after.tools).filter((name) => before.tools[name] !== undefined);
  return {
    fromVersion: before.version,
    fromSha256,
    permissions: { added: without(asked, granted), removed: without(granted, asked), changed },
    tools: {
      added: Object.keys(after.tools).filter((name) => before.tools[name] === undefined),
      removed: Object.keys(before.tools).filter((name) => after.tools[name] === undefined),
      changed: shared.filter((name) => !isSame(before.tools[name] as JsonObject, after.tools[name] as JsonObject)),
    },
    fields: RUN_FIELDS.filter((field) => !isSame(before[field], after[field])),
  };
}

function without(all: JsonObject, known: JsonObject): JsonObject {
  return Object.fromEntries(Object.entries(all).filter(([name]) => known[name] === undefined));
}

function isSame(a: JsonValue, b: JsonValue): boolean {
  return canonicalJson(a) === canonicalJson(b);
}
