import { duplexPair, type Duplex } from "node:stream";
import { LogoMeshError, type JsonObject, type JsonValue } from "@logomesh/contracts";
import { createMemoryDatabase } from "../../../db/index.ts";
import { SqliteBlobStore, SqlitePluginStore, createStorageWriterModule } from "../../../storage/index.ts";
import { FakeClock, createSeededRandom, deliveringEventStore } from "../../../testing/index.ts";
import { ListPolicy, MemoryGrants, RecordingAudit } from "../../testingHost.ts";
import { HostPlane } from "../hostPlane.ts";
import { ProcessTaint, type OwnFolder } from "../processTaint.ts";
import { PluginAPI, type HostServices } from "../pluginApi.ts";
import { createPluginWriterModule } from "../../store/index.ts";

export const PLUGIN = "org.example.asking";

export interface Answer {
  id?: JsonValue;
  method?: string;
  params?: JsonObject;
  result?: JsonObject;
  error?: { code: number; message: string; data?: JsonObject };
}

export const MODERN = {
  "io.modelcontextprotocol/protocolVersion": "2026-07-28",
  "io.modelcontextprotocol/clientCapabilities": {},
};

/** The writer of the database commits after some turns of the event loop. */
const TURNS_MAX = 5_000;

/** A host plane whose plugin is played by the test, over stores that are real and in memory. */
export class PlayedPlane implements Disposable {
  readonly clock = new FakeClock();
  readonly audit = new RecordingAudit();
  readonly policy = new ListPolicy();
  readonly grants = new MemoryGrants();
  readonly database = createMemoryDatabase({
    clock: this.clock,
    random: createSeededRandom(7),
    modules: [
      createStorageWriterModule,
      createPluginWriterModule,
      // Entries that commit together with a change.
      () => ({
        name: "audit",
        commands: { "audit.append": (_, draft) => void this.audit.entries.push(draft) },
      }),
    ],
  });
  readonly blobs = new SqliteBlobStore(this.database);
  readonly store = new SqlitePluginStore(this.database);
  readonly messages: Answer[] = [];
  readonly fatal: LogoMeshError[] = [];
  readonly taint: ProcessTaint;
  readonly plane: HostPlane;
  readonly api: PluginAPI;
  /** The plugin's end. */
  readonly stream: Duplex;
  #nextId = 1;
  #text = "";

  constructor(
    services: Partial<HostServices> = {},
    {
      lineBytesMax = 1_048_576,
      seed = 1,
      folder,
      proxy,
    }: { lineBytesMax?: number; seed?: number; folder?: OwnFolder; proxy?: Duplex } = {},
  ) {
    this.taint = new ProcessTaint({ folder });
    const [hostEnd, pluginEnd] = duplexPair();
    this.stream = pluginEnd;
    const whole: HostServices = {
      plugins: {
        describeTool: () => undefined,
        callTool: () => Promise.reject(new LogoMeshError("LM_PLUGIN_NOT_FOUND", "There are no others.")),
      },
      ...{ blobs: this.blobs, store: this.store },
      ...(services.events === undefined
        ? {}
        : { eventStore: deliveringEventStore({ bus: services.events, audit: this.audit }) }),
      ...services,
    };
    this.api = new PluginAPI({ services: whole, policy: this.policy, grants: this.grants, audit: this.audit });
    this.plane = new HostPlane({
      ...{ pluginId: PLUGIN, stream: hostEnd, lineBytesMax, api: this.api, clock: this.clock },
      ...{ random: createSeededRandom(seed), taint: this.taint, proxy },
      onFatal: (error) => this.fatal.push(error),
    });
  }

  /** Reads what the host says; without it the plugin never reads. */
  listen(): this {
    this.stream.on("data", (chunk: Buffer) => {
      this.#text += chunk.toString();
      const lines = this.#text.split("\n");
      this.#text = lines.pop() ?? "";
      for (const line of lines) this.messages.push(JSON.parse(line) as Answer);
    });
    return this;
  }

  grant(permissions: JsonObject, pluginId = PLUGIN): void {
    const grant = { pluginId, sha256: "aa", group: "user" as const, permissions, grantedBy: "person:tester" };
    this.grants.plugins.set(pluginId, grant);
  }

  raw(text: string | Buffer): void {
    this.stream.write(text);
  }

  send(message: JsonObject): void {
    this.raw(`${JSON.stringify({ jsonrpc: "2.0", ...message })}\n`);
  }

  /** Sends and waits for the answer; an empty one when none comes by itself. */
  async ask(method: string, params: JsonObject = {}): Promise<Answer> {
    const id = this.#nextId++;
    this.send({ id, method, params: { _meta: MODERN, ...params } });
    for (let turn = 0; turn < TURNS_MAX; turn += 1) {
      await new Promise<void>((resolve) => setImmediate(resolve));
      const answer = this.messages.find((message) => message.id === id);
      if (answer !== undefined) return answer;
    }
    return {};
  }

  call(name: string, args: JsonObject = {}, meta: JsonObject = {}): Promise<Answer> {
    return this.ask("tools/call", { name, arguments: args, _meta: { ...MODERN, ...meta } });
  }

  async settle(): Promise<void> {
    for (let turn = 0; turn < 20; turn += 1) await new Promise<void>((resolve) => setImmediate(resolve));
  }

  [Symbol.dispose](): void {
    this.plane[Symbol.dispose]();
    this.database[Symbol.dispose]();
  }
}
