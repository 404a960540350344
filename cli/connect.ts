import { readFileSync } from "node:fs";
import { LogoMeshError } from "@logomesh/contracts";
import { createClient, type Client } from "@logomesh/contracts/client";
import { requireWorkspace } from "@logomesh/core";
import type { ServerFile } from "@logomesh/server";
import type { CliContext } from "./context.ts";

/** A running workbench, as this workspace knows it. */
export interface Connection {
  client: Client;
  url: string;
}

/** @throws LogoMeshError LM_API_NO_SERVER when no workbench runs on the workspace */
export async function connect(context: CliContext): Promise<Connection> {
  const found = await findServer(context);
  if (found !== undefined) return found;
  throw new LogoMeshError("LM_API_NO_SERVER", `No workbench runs on ${context.root}. Start it with: logomesh start`);
}

/** Undefined when no workbench answers. @throws LogoMeshError LM_WORKSPACE_INVALID when the folder is no workspace */
export async function findServer({ root }: Pick<CliContext, "root">): Promise<Connection | undefined> {
  const paths = requireWorkspace(root);
  const server = readServerFile(paths.serverFile);
  if (server === undefined) return undefined;
  const url = `http://127.0.0.1:${server.port}`;
  const isAlive = await fetch(`${url}/healthz`, { signal: AbortSignal.timeout(2_000) }).then(
    (response) => response.ok,
    () => false,
  );
  if (!isAlive) return undefined;
  return { url, client: createClient({ baseUrl: url, token: readFileSync(paths.token, "utf8").trim() }) };
}

function readServerFile(path: string): ServerFile | undefined {
  try {
    return JSON.parse(readFileSync(path, "utf8")) as ServerFile;
  } catch {
    // Not there, or being written: either way nobody can be asked.
    return undefined;
  }
}
