// A PostgreSQL of its own in a folder, reached through a Unix socket only, with its durable defaults (fsync and synchronous_commit on).
import { execFileSync, spawn } from "node:child_process";
import { chmodSync, chownSync, existsSync, mkdirSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

const INSTALLED = "/usr/lib/postgresql";
const READY_TRIES_MAX = 200;

export interface Postgres extends AsyncDisposable {
  url: string;
}

/** Which user runs the server: PostgreSQL refuses root. */
function userOfServer(): { uid: number; gid: number; name: string } {
  const uid = process.getuid?.() ?? 0;
  const idOf = (what: string, name: string): number => Number(execFileSync("id", [what, name], { encoding: "utf8" }));
  if (uid !== 0)
    return { uid, gid: process.getgid?.() ?? uid, name: execFileSync("id", ["-un"], { encoding: "utf8" }).trim() };
  return { uid: idOf("-u", "postgres"), gid: idOf("-g", "postgres"), name: "postgres" };
}

function binaries(): string {
  const versions = existsSync(INSTALLED)
    ? readdirSync(INSTALLED)
        .map(Number)
        .sort((a, b) => b - a)
    : [];
  const [newest] = versions;
  if (newest === undefined) throw new Error("PostgreSQL is missing. Install it with: sudo apt-get install postgresql");
  return join(INSTALLED, String(newest), "bin");
}

/** Creates a cluster with an empty database `peer` in the folder, or starts the one that is there. Only its owner can reach the socket. */
export async function startPostgres(folder: string): Promise<Postgres> {
  const bin = binaries();
  const { uid, gid, name } = userOfServer();
  const data = join(folder, "data");
  chmodSync(folder, 0o755);
  const isNew = !existsSync(data);
  if (isNew) mkdirSync(data, { mode: 0o700 });
  chownSync(data, uid, gid);
  const options = { uid, gid, stdio: "ignore", cwd: data } as const;
  if (isNew) execFileSync(join(bin, "initdb"), ["-D", data, "-U", name, "-A", "trust", "-E", "UTF8"], options);
  const server = spawn(
    join(bin, "postgres"),
    ["-D", data, "-k", data, "-c", "listen_addresses=", "-c", "max_connections=60"],
    options,
  );
  const ended = new Promise<void>((resolve) => server.on("close", () => resolve()));
  const ask = (sql: string): void =>
    void execFileSync(join(bin, "psql"), ["-h", data, "-U", name, "-d", "postgres", "-c", sql], options);
  for (let tries = 0; ; tries += 1) {
    try {
      ask(isNew ? "CREATE DATABASE peer" : "SELECT 1");
      break;
    } catch (error) {
      if (tries >= READY_TRIES_MAX) throw error;
      await sleep(50);
    }
  }
  return {
    url: `postgresql://${name}@localhost/peer?host=${encodeURIComponent(data)}`,
    async [Symbol.asyncDispose]() {
      server.kill("SIGINT");
      await ended;
    },
  };
}
