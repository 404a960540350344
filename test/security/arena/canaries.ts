import { spawn } from "node:child_process";
import { randomUUID } from "node:crypto";
import { createSocket } from "node:dgram";
import { once } from "node:events";
import {
  chmodSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readFileSync,
  readdirSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { createServer, type AddressInfo, type Server } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { isAlive } from "../../../core/plugins/sandbox/processTree.ts";

/** What an attacker of the host is after. File permissions keep none of it: only the sandbox does. */
export interface Targets {
  /** Nothing that a plugin says or leaves behind may hold it. */
  token: string;
  /** A folder of the host that everybody may write; `secret.txt` in it holds the token. */
  folder: string;
  secretFile: string;
  /** A process of the host with the token in its environment, its command line and behind descriptor 9. */
  victimPid: number;
  tcpPort: number;
  udpPort: number;
  /** Of a Unix socket that everybody may connect to. */
  socketPath: string;
  /** Of an abstract Unix socket, without the leading NUL. */
  abstractName: string;
}

/** Files, sockets and a process that are watched from the host's side. */
export class Canaries implements AsyncDisposable {
  readonly targets: Targets;
  /** What was heard on the sockets since the last `reset`. */
  heard: string[] = [];
  readonly #close: AsyncDisposable;

  private constructor(targets: Targets, close: AsyncDisposable) {
    this.targets = targets;
    this.#close = close;
  }

  static async place(): Promise<Canaries> {
    await using stack = new AsyncDisposableStack();
    const token = `canary-${randomUUID()}`;
    const base = mkdtempSync(join(tmpdir(), "logomesh-canary-"));
    stack.defer(() => rmSync(base, { recursive: true, force: true }));
    const folder = join(base, "open");
    mkdirSync(folder);
    for (const [path, mode] of [
      [base, 0o755],
      [folder, 0o777],
    ] as const)
      chmodSync(path, mode);
    const secretFile = join(folder, "secret.txt");
    writeFileSync(secretFile, token, { mode: 0o644 });
    const canaries: { heard: (what: string) => void } = { heard: () => undefined };
    const listen = async (name: string, at: { port: number; host: string } | { path: string }) => {
      const server = createServer((socket) => {
        canaries.heard(name);
        socket.on("error", () => undefined).end(token);
      });
      stack.defer(() => void server.close());
      await new Promise<void>((resolve) => server.listen(at, resolve));
      return server;
    };
    const tcpPort = portOf(await listen("tcp", { port: 0, host: "127.0.0.1" }));
    const [socketPath, abstractName] = [join(folder, "socket"), `logomesh-${token}`];
    await listen("unix", { path: socketPath });
    chmodSync(socketPath, 0o777);
    await listen("abstract", { path: `\0${abstractName}` });
    const udp = createSocket("udp4", () => canaries.heard("udp"));
    stack.defer(() => void udp.close());
    await new Promise<void>((resolve) => udp.bind(0, "127.0.0.1", resolve));
    const victim = spawn("/usr/bin/bash", ["-c", `exec -a "$SECRET" sleep 3600`], {
      env: { SECRET: token },
      stdio: [
        "ignore",
        "ignore",
        "ignore",
        ...Array.from({ length: 6 }, () => "ignore" as const),
        openSync(secretFile, "r"),
      ],
    });
    stack.defer(async () => {
      const gone = once(victim, "exit");
      if (victim.kill("SIGKILL")) await gone;
    });
    const victimPid = victim.pid ?? 0;
    const targets = {
      token,
      folder,
      secretFile,
      victimPid,
      tcpPort,
      udpPort: udp.address().port,
      socketPath,
      abstractName,
    };
    const placed = new Canaries(targets, stack.move());
    canaries.heard = (what) => placed.heard.push(what);
    return placed;
  }

  /** Files as they are, and whether the victim lives: the same before and after an attack. */
  state(): object {
    return { files: describeTree(this.targets.folder), isVictimAlive: isAlive(this.targets.victimPid) };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#close[Symbol.asyncDispose]();
  }
}

function portOf(server: Server): number {
  return (server.address() as AddressInfo).port;
}

/** Path, mode, owner, links and content of everything below a folder. */
export function describeTree(folder: string, leftOut: readonly string[] = []): string[] {
  return readdirSync(folder, { recursive: true, encoding: "utf8" })
    .filter((name) => !leftOut.some((prefix) => name === prefix || name.startsWith(`${prefix}/`)))
    .sort()
    .map((name) => {
      const stats = lstatSync(join(folder, name));
      const content = stats.isFile() ? readFileSync(join(folder, name), "latin1") : "";
      return `${name} ${stats.mode.toString(8)} ${stats.uid} ${stats.nlink} ${content}`;
    });
}
