import { readFileSync, renameSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { z } from "zod";
import {
  LogoMeshError,
  PluginToolSchema,
  type PluginManifest,
  type PluginTool,
  type ToolChanges,
} from "@logomesh/contracts";
import { canonicalJson, messageOf, toLogoMeshError } from "../base/index.ts";
import type { Logger, PluginGrant } from "../ports/index.ts";
import type { PluginInstance } from "./pluginInstance.ts";
import { toolsHash } from "./toolList.ts";

// What was approved includes what the tools say they do. The first start after a grant says what that is; a process that says something else
// later is ended. The definitions that were approved last are kept beside the copies, so that a person sees what is another.

export const TOOLS_FILE = "tools.json";

const ApprovedToolsSchema = z.object({ version: z.string(), sha256: z.string(), tools: z.array(PluginToolSchema) });
type ApprovedTools = z.infer<typeof ApprovedToolsSchema>;

export interface ToolApprovalOptions {
  manifest: PluginManifest;
  sha256: string;
  bundleFolder: string;
  /** An older content, for runs that began with it: what is known of the version that serves stays. */
  isPinned?: boolean;
  grant: () => PluginGrant | undefined;
  /** Writes into the grant what the tools say they do. */
  pinTools: (toolsHash: string) => Promise<void>;
  logger: Logger;
  /** The tools say something else than those that were approved before. */
  onDidDiffer: (changes: ToolChanges) => void;
}

export class ToolApproval {
  readonly #options: ToolApprovalOptions;
  #tools: readonly PluginTool[] = [];
  #changes: ToolChanges | undefined;

  constructor(options: ToolApprovalOptions) {
    this.#options = options;
  }

  /** Against those that were approved before; undefined when they say the same. */
  get changes(): ToolChanges | undefined {
    return this.#changes;
  }

  /** As the last process described them, with those that wait for a new grant. */
  shown(instance: PluginInstance | undefined): readonly PluginTool[] {
    const changed = instance?.changedTools ?? [];
    return changed.length === 0 ? this.#tools : [...(instance?.tools ?? []), ...changed];
  }

  /** @throws LogoMeshError LM_PLUGIN_NOT_GRANTED when they are not those that were approved; the process is gone then */
  async hold(instance: PluginInstance): Promise<void> {
    const { manifest, grant } = this.#options;
    const approved = grant()?.toolsHash;
    const isApproved = approved === toolsHash(instance.tools);
    if (!isApproved) this.#compare(instance.tools);
    try {
      if (approved === undefined) await this.#pin(instance.tools);
      else if (!isApproved)
        throw new LogoMeshError(
          "LM_PLUGIN_NOT_GRANTED",
          `${manifest.id} describes its tools differently than when it was granted${wordsOf(this.#changes)}. Review and grant it again.`,
        );
    } catch (error) {
      instance.kill(toLogoMeshError(error));
      await instance.ended;
      throw error;
    }
    this.#tools = instance.tools;
  }

  /** The new grant holds for what the running process says now. */
  async approve(instance: PluginInstance): Promise<void> {
    const { logger, manifest } = this.#options;
    instance.approveTools();
    this.#tools = instance.tools;
    this.#compare(instance.tools);
    try {
      await this.#pin(instance.tools);
    } catch (error) {
      logger.warn({ plugin: manifest.id, problem: messageOf(error) }, "tools could not be pinned");
    }
  }

  async #pin(tools: readonly PluginTool[]): Promise<void> {
    const { manifest, sha256, pinTools } = this.#options;
    await pinTools(toolsHash(tools));
    if (this.#options.isPinned === true) return;
    const unfinished = `${this.#file()}.${process.pid}.new`;
    const approved: ApprovedTools = { version: manifest.version, sha256, tools: [...tools] };
    writeFileSync(unfinished, JSON.stringify(approved));
    renameSync(unfinished, this.#file());
  }

  #compare(tools: readonly PluginTool[]): void {
    const before = this.#options.isPinned === true ? undefined : this.#approvedBefore();
    const changes = before === undefined ? undefined : describeToolChanges(before, tools);
    this.#changes = changes;
    if (changes !== undefined) this.#options.onDidDiffer(changes);
  }

  /** Shown to a person and nothing else: what decides is the hash in the grant. */
  #approvedBefore(): ApprovedTools | undefined {
    try {
      return ApprovedToolsSchema.parse(JSON.parse(readFileSync(this.#file(), "utf8")));
    } catch {
      // None were approved yet, or it was changed by hand.
      return undefined;
    }
  }

  #file(): string {
    return join(dirname(this.#options.bundleFolder), TOOLS_FILE);
  }
}

/** Undefined when they say the same. */
export function describeToolChanges(
  { version, tools }: ApprovedTools,
  after: readonly PluginTool[],
): ToolChanges | undefined {
  const before = new Map(tools.map((tool) => [tool.name, tool]));
  const names = new Set(after.map(({ name }) => name));
  const added = after.filter(({ name }) => !before.has(name));
  const removed = tools.flatMap(({ name }) => (names.has(name) ? [] : [name]));
  const changed = after.flatMap((tool) => {
    const old = before.get(tool.name);
    return old === undefined || isSame(old, tool) ? [] : [{ name: tool.name, before: old, after: tool }];
  });
  if (added.length + removed.length + changed.length === 0) return undefined;
  return { fromVersion: version, added, removed, changed };
}

function isSame(a: PluginTool, b: PluginTool): boolean {
  return canonicalJson(a) === canonicalJson(b);
}

function wordsOf(changes: ToolChanges | undefined): string {
  if (changes === undefined) return "";
  const { added, removed, changed } = changes;
  const parts = [
    ...changed.map(({ name }) => `${name} says something else`),
    ...added.map(({ name }) => `${name} is new`),
    ...removed.map((name) => `${name} is gone`),
  ];
  return ` (${parts.slice(0, 5).join(", ")}${parts.length > 5 ? " …" : ""})`;
}
