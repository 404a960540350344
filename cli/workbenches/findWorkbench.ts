import { readFileSync, realpathSync } from "node:fs";
import { createClient, type Client } from "@logomesh/contracts/client";
import { requireWorkspace } from "@logomesh/core";
import type { ServerFile } from "@logomesh/server";
import type { Connection, WorkspacePlace } from "../context.ts";

/** A name or an address, and nothing that means more in a URL. */
const HOST = /^[a-z0-9.:-]{1,253}$/i;
/** For the answer of a workbench on the same machine, which may be looking for a model. */
const ANSWER_MS_MAX = 5_000;

/**
 * The workbench that serves the workspace; undefined when none does.
 * @throws LogoMeshError LM_WORKSPACE_INVALID when the folder is no workspace
 */
export async function findWorkbench({ root }: WorkspacePlace): Promise<Connection | undefined> {
  const paths = requireWorkspace(root);
  const server = readServerFile(paths.serverFile);
  // The file of a workbench that was killed stays, and another program may listen on its port by now: it must not get the token.
  if (server === undefined || !isAlive(server.pid)) return undefined;
  const url = `http://${inUrl(server.host)}:${server.port}`;
  const client = createClient({ baseUrl: url, token: readFileSync(paths.token, "utf8").trim() });
  return (await serves(client, root)) ? { url, client } : undefined;
}

/** A copied workspace brings the file of the original's workbench along, and that one must not act in its stead. */
async function serves(client: Client, root: string): Promise<boolean> {
  try {
    const { workspace } = await client.getStatus({ signal: AbortSignal.timeout(ANSWER_MS_MAX) });
    return realpathSync(workspace) === realpathSync(root);
  } catch {
    // Refused, no workbench, or too slow: nobody who can be asked.
    return false;
  }
}

function readServerFile(path: string): ServerFile | undefined {
  try {
    const file = JSON.parse(readFileSync(path, "utf8")) as Partial<ServerFile> | null;
    if (!Number.isSafeInteger(file?.pid) || !Number.isSafeInteger(file?.port)) return undefined;
    if (typeof file?.host !== "string" || !HOST.test(file.host)) return undefined;
    return file as ServerFile;
  } catch {
    // Not there, or being written: either way nobody can be asked.
    return undefined;
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    // Another user's process may not be signalled, but it is there.
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}

function inUrl(host: string): string {
  return host.includes(":") ? `[${host}]` : host;
}
