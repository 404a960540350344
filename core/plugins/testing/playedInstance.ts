import { PluginManifestSchema, type PluginTool } from "@logomesh/contracts";
import { FakeClock, createSeededRandom } from "../../testing/index.ts";
import { PluginAPI } from "../hostPlane/pluginApi.ts";
import { ProcessTaint } from "../hostPlane/processTaint.ts";
import { PluginInstance, type PluginInstanceOptions, type ToolCallOptions } from "../pluginInstance.ts";
import { PlayedProcess } from "../testing.ts";
import { ListPolicy, MemoryGrants, RecordingAudit } from "../testingHost.ts";
import { ToolSchemas } from "../toolSchemas.ts";

const MANIFEST = PluginManifestSchema.parse({
  ...{
    id: "org.example.p",
    name: "P",
    version: "1.0.0",
    description: "P.",
    runtime: "nodejs",
    entry_point: "index.mjs",
  },
  security_level: "sandbox",
});
export const TOOL: PluginTool = { name: "t", effect: "once" };
export const NOBODY = { callers: [], isTainted: false };
/** A workbench that a plugin asks for nothing. */
const API = new PluginAPI({
  services: {
    plugins: { describeTool: () => undefined, callTool: () => Promise.reject(new Error("not asked")) },
  },
  ...{ policy: new ListPolicy(), audit: new RecordingAudit(), grants: new MemoryGrants() },
});
const NEVER = new AbortController().signal;

/** An instance whose process is played by the test. */
export function playInstance({ era = "legacy", ...more }: Partial<PluginInstanceOptions> = {}) {
  const process = new PlayedProcess();
  const clock = new FakeClock();
  let changes = 0;
  const instance = new PluginInstance({
    taint: new ProcessTaint(),
    ...{
      manifest: MANIFEST,
      process,
      clock,
      schemas: new ToolSchemas(),
      redact: (text: string) => text,
      api: API,
      random: createSeededRandom(1),
    },
    ...{ era, introduction: { client: { name: "logomesh", version: "1" }, capabilities: {} } },
    ...{ roots: [], hasModels: false, granted: () => ({}) },
    ...more,
    onDidChange: () => (changes += 1),
  });
  /** Ids of the requests for a method. */
  const asked = (method: string) => process.messages().flatMap((sent) => (sent.method === method ? [sent.id] : []));
  const say = async (message: object): Promise<void> => {
    process.say(message);
    await clock.advance(0);
  };
  const call = (timeoutMs = 60_000, more: Partial<ToolCallOptions> = {}) => {
    const result = instance.call(TOOL, {}, { signal: NEVER, timeoutMs, meta: {}, ...NOBODY, ...more });
    result.catch(() => undefined);
    return result;
  };
  return { process, clock, instance, asked, say, call, changes: () => changes };
}
