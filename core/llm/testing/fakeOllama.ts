import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import type { JsonObject } from "@logomesh/contracts";

/** How the fake answers `/api/chat`. `pieces` are written as they are, one after the other. */
export interface ChatScript {
  status?: number;
  pieces: readonly (string | Uint8Array)[];
  /** What happens after the pieces. `hang` neither ends nor breaks off. Default: `end`. */
  then?: "end" | "drop" | "hang";
  /** Send nothing, not even headers, until the client goes away. */
  silent?: boolean;
}

export interface FakeTag {
  name: string;
  size?: number;
  digest?: string;
  remote_host?: string;
  family?: string;
}

/** An Ollama on loopback that does as it is told and remembers what it was asked. */
export class FakeOllama implements AsyncDisposable {
  readonly requests: { path: string; body: JsonObject }[] = [];
  version = "0.13.5";
  tags: FakeTag[] = [{ name: "qwen3:4b", size: 4_000, digest: "d1", family: "qwen3" }];
  show: JsonObject = { model_info: { "qwen3.context_length": 40_960 }, capabilities: ["completion"] };
  showStatus = 200;
  /** Used in turn; the last one again and again. */
  chats: ChatScript[] = [{ pieces: [] }];
  /** Resolves when a connection that carried a chat is closed before its answer ended. */
  readonly aborted: Promise<number>;
  readonly #server: Server;
  #onAborted: (atMs: number) => void = () => undefined;
  #served = 0;

  private constructor(server: Server) {
    this.#server = server;
    this.aborted = new Promise((resolve) => {
      this.#onAborted = resolve;
    });
    server.on("request", (request, response) => {
      this.#serve(request, response).catch(() => response.destroy());
    });
  }

  static async start(): Promise<FakeOllama> {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    return new FakeOllama(server);
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  get chatBodies(): JsonObject[] {
    return this.requests.filter(({ path }) => path === "/api/chat").map(({ body }) => body);
  }

  /** Ends at once; whoever is connected is cut off. */
  async [Symbol.asyncDispose](): Promise<void> {
    if (!this.#server.listening) return;
    const closed = new Promise((resolve) => this.#server.close(resolve));
    this.#server.closeAllConnections();
    await closed;
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    let text = "";
    for await (const chunk of request) text += String(chunk);
    const path = request.url ?? "";
    this.requests.push({ path, body: text === "" ? {} : (JSON.parse(text) as JsonObject) });
    if (path === "/api/version") sendJson(response, 200, { version: this.version });
    else if (path === "/api/tags") sendJson(response, 200, { models: this.tags.map(toTag) });
    else if (path === "/api/show") sendJson(response, this.showStatus, this.show);
    else if (path === "/api/chat") await this.#chat(response);
    else sendJson(response, 404, { error: "no such route" });
  }

  async #chat(response: ServerResponse): Promise<void> {
    const script = this.chats[Math.min(this.#served++, this.chats.length - 1)] ?? { pieces: [] };
    response.on("close", () => {
      if (!response.writableFinished) this.#onAborted(performance.now());
    });
    if (script.silent === true) return;
    response.writeHead(script.status ?? 200, { "content-type": "application/x-ndjson" });
    for (const piece of script.pieces) {
      response.write(piece);
      await new Promise((resolve) => setImmediate(resolve));
    }
    if (script.then === "drop") response.destroy();
    else if (script.then !== "hang") response.end();
  }
}

/** Lines of a chat that answers with these parts and ends well. */
export function answerLines(parts: readonly string[], end: JsonObject = {}): string[] {
  const counters = { prompt_eval_count: 12, eval_count: 5, eval_duration: 500_000_000 };
  return [
    ...parts.map((content) => `${JSON.stringify({ message: { role: "assistant", content }, done: false })}\n`),
    `${JSON.stringify({ message: { role: "assistant", content: "" }, done: true, done_reason: "stop", ...counters, ...end })}\n`,
  ];
}

function toTag({ family, ...tag }: FakeTag): JsonObject {
  return { ...tag, details: { ...(family === undefined ? {} : { family }), parameter_size: "4B" } };
}

function sendJson(response: ServerResponse, status: number, body: JsonObject): void {
  response.writeHead(status, { "content-type": "application/json" });
  response.end(JSON.stringify(body));
}
