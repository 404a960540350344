import { LogoMeshError } from "@logomesh/contracts";
import type { CliContext, Connection, StartedWorkbench } from "../context.ts";

/** Times that another process may take the workspace first, and how long it then has to open its door. */
const OPEN_TRIES_MAX = 20;
const OPEN_WAIT_MS = 250;

/**
 * The workbench behind a bridge: the one that runs on the workspace, else one of this process. When it stops, the next message finds
 * another one or starts it: a client stays connected while workbenches come and go.
 */
export class BridgedWorkbench implements AsyncDisposable {
  readonly #context: CliContext;
  #own: StartedWorkbench | undefined;
  #connection: Promise<Connection> | undefined;

  constructor(context: CliContext) {
    this.#context = context;
  }

  /** @throws LogoMeshError LM_WORKSPACE_INVALID, LM_DB_* … */
  connection(): Promise<Connection> {
    this.#connection ??= this.#open().catch((error: unknown) => {
      this.#connection = undefined;
      throw error;
    });
    return this.#connection;
  }

  /** Posts to `/mcp`; once more to the next workbench when nobody listens at the address of the last. */
  async post(init: RequestInit): Promise<Response> {
    const connection = await this.connection();
    try {
      return await fetch(`${connection.url}/mcp`, init);
    } catch (error) {
      if (!isRefused(error)) throw error;
      if ((await this.connection()).url === connection.url) this.#connection = undefined;
      const { url } = await this.connection();
      return await fetch(`${url}/mcp`, init);
    }
  }

  async #open(): Promise<Connection> {
    const { workbenches, env, root } = this.#context;
    for (let tries = 1; ; tries += 1) {
      const found = await workbenches.find({ env, root });
      if (found !== undefined) return found;
      try {
        const place = { env: { LOGOMESH_LOG: "error", ...env }, root };
        this.#own = await workbenches.start(place, { host: "127.0.0.1", port: 0 });
        return this.#own.connection;
      } catch (error) {
        // Another process was faster, and its door is not open yet.
        if (!isLocked(error) || tries >= OPEN_TRIES_MAX) throw error;
        await new Promise((resolve) => setTimeout(resolve, OPEN_WAIT_MS));
      }
    }
  }

  /** Resolves with the error when the workbench of this process can no longer work. */
  async failed(): Promise<Error> {
    await this.connection();
    return this.#own === undefined ? new Promise<Error>(() => undefined) : this.#own.failed;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#own?.[Symbol.asyncDispose]();
  }
}

function isLocked(error: unknown): boolean {
  return error instanceof LogoMeshError && error.code === "LM_WORKSPACE_LOCKED";
}

function isRefused(error: unknown): boolean {
  const cause = error instanceof Error ? error.cause : undefined;
  return cause instanceof Error && "code" in cause && cause.code === "ECONNREFUSED";
}
