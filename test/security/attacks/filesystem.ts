import { randomUUID } from "node:crypto";
import { existsSync, rmSync, symlinkSync } from "node:fs";
import { execFileSync } from "node:child_process";
import { join } from "node:path";
import { expect } from "vitest";
import { writeAgent, type Code } from "../arena/agents.ts";
import { hostile, type Arena } from "../arena/arena.ts";
import { program, type Attack } from "../attack.ts";

/** Prints what can be read of each path, and the error of what cannot. */
export function read(...paths: string[]): Code {
  const list = JSON.stringify(paths);
  return {
    nodejs: `const fs = require("fs"); for (const path of ${list}) try { print(fs.readFileSync(path, "latin1")); } catch (error) { print(error.code); }`,
    python: `
for path in ${list}:
  try: print(open(path, encoding="latin1").read())
  except OSError as error: print(error.strerror)`,
    shell: paths.map((path) => `cat '${path}'`).join("\n"),
  };
}

/** Prints `wrote` for each path that takes a new text, else the error. */
function write(...paths: string[]): Code {
  const list = JSON.stringify(paths);
  return {
    nodejs: `const fs = require("fs"); for (const path of ${list}) try { fs.writeFileSync(path, "pwned"); print("wrote", path); } catch (error) { print(error.code); }`,
    python: `
for path in ${list}:
  try: open(path, "w").write("pwned"); print("wrote", path)
  except OSError as error: print(error.strerror)`,
    shell: paths.map((path) => `echo pwned > '${path}' && echo wrote '${path}'`).join("\n"),
  };
}

/** Makes a link below /tmp and reads through it. */
function readThrough(link: "symlink" | "link", target: string, below = ""): Code {
  const path = `/tmp/logomesh-link-${link}`;
  return {
    nodejs: `const fs = require("fs"); fs.rmSync("${path}", { force: true }); fs.${link}Sync("${target}", "${path}"); try { print(fs.readFileSync("${path}${below}", "utf8")); } finally { fs.unlinkSync("${path}"); }`,
    python: `
import os
if os.path.lexists("${path}"): os.unlink("${path}")
os.${link}("${target}", "${path}")
try: print(open("${path}${below}").read())
finally: os.unlink("${path}")`,
    shell: `rm -f ${path}; ln ${link === "symlink" ? "-s " : ""}'${target}' ${path}; cat ${path}${below}; rm -f ${path}`,
  };
}

/** Runs a command line in each language. */
export function command(line: string): Code {
  return {
    nodejs: `const { stdout, stderr } = require("child_process").spawnSync("/bin/sh", ["-c", ${JSON.stringify(line)}], { encoding: "utf8" }); print(stdout, stderr);`,
    python: `
import subprocess
done = subprocess.run(["/bin/sh", "-c", ${JSON.stringify(line)}], capture_output=True, text=True)
print(done.stdout, done.stderr)`,
    shell: line,
  };
}

const NOTHING = /ENOENT|No such file/;
const PIDS_INSIDE = [1, 2, 3, 4, 5, 6, 7, 8];

/** The names that a file has in a process other than by its path. */
const DETOURS = ["root", "cwd/../../../../../../../..", "task/1/root"];

const READS: Attack[] = [
  program({
    name: "[SB1] reads a file of the host by its path",
    code: ({ secretFile }) => read(secretFile),
    refused: NOTHING,
  }),
  program({
    name: "[SB1] climbs out of its folder by dots",
    code: ({ secretFile }) =>
      read(`../../../../../../../..${secretFile}`, `/plugin/../${secretFile}`, `/tmp/..${secretFile}`),
    refused: NOTHING,
  }),
  program({
    name: "[SB1] goes by its own /proc, and that of every process it sees",
    code: ({ secretFile }) =>
      read(
        ...["self", ...PIDS_INSIDE].flatMap((pid) => DETOURS.map((detour) => `/proc/${pid}/${detour}${secretFile}`)),
      ),
    refused: NOTHING,
  }),
  program({
    name: "[SB1] [SB6] goes by the /proc of a process of the host",
    code: ({ secretFile, victimPid }) => read(`/proc/${victimPid}/root${secretFile}`, `/proc/${victimPid}/fd/9`),
    refused: NOTHING,
  }),
  program({
    name: "[SB1] reads through a symbolic link that it made",
    code: ({ secretFile }) => readThrough("symlink", secretFile),
    refused: NOTHING,
  }),
  program({
    name: "[SB1] reads through a symbolic link to the folder above",
    code: ({ folder }) => readThrough("symlink", folder, "/secret.txt"),
    refused: NOTHING,
  }),
  program({
    name: "[SB1] gives a file of the host a second name of its own",
    code: ({ secretFile }) => readThrough("link", secretFile),
    refused: NOTHING,
  }),
  program({
    name: "[SB1] reads the workspace, its database and the other plugins",
    code: (_, { root }) => {
      const staged = join(root, ".logomesh/plugins/org.example.neighbour");
      const code = read(
        join(root, "docs/private.md"),
        join(root, ".logomesh/logomesh.db"),
        join(root, ".logomesh/token"),
      );
      return { ...code, shell: `${code.shell ?? ""}; find '${staged}'` };
    },
    refused: NOTHING,
  }),
  program({
    name: "[SB1] learns the host's users, hosts and machine",
    code: read("/etc/passwd", "/etc/shadow", "/etc/group", "/etc/hosts", "/etc/machine-id", "/etc/resolv.conf"),
    wins: /^root:/m,
    refused: /^plugin:x:65534:65534:plugin:\/home\/plugin:\/usr\/sbin\/nologin\n/,
  }),
  {
    ...program({
      name: "[SB8] opens a file of the host by the handle of its inode",
      code: ({ secretFile, folder }) => ({
        python: `
import ctypes, os
libc = ctypes.CDLL(None, use_errno=True)
handle, mount = ctypes.create_string_buffer(bytes([128, 0, 0, 0]) + bytes(132)), ctypes.c_int()
near = "${folder}" if os.path.exists("${folder}") else "/plugin"
found = libc.name_to_handle_at(-100, b"${secretFile}", handle, ctypes.byref(mount), 0)
at = os.open(near, os.O_RDONLY)
fd = libc.open_by_handle_at(at, handle, 0)
print(os.read(fd, 100).decode() if fd >= 0 else os.strerror(ctypes.get_errno()))`,
      }),
      refused: /Operation not permitted/,
    }),
    needsRoot: true,
  },
];

const WRITES: Attack[] = [
  program({
    name: "[SB2] changes a file of the host, or makes one",
    code: ({ secretFile, folder }) => ({ ...write(join(folder, "left-behind"), `/proc/self/root${secretFile}.copy`) }),
    wins: /wrote/,
    refused: NOTHING,
  }),
  program({
    name: "[SB2] rewrites its own program",
    code: {
      nodejs: `require("fs").appendFileSync(process.argv[1], "\\n// pwned"); print("wrote")`,
      python: `import sys\nopen(sys.argv[0], "a").write("\\n# pwned"); print("wrote")`,
      shell: `echo '# pwned' >> "$0" && echo wrote`,
    },
    wins: /wrote/,
    refused: /EROFS|EACCES|Read-only file system|Permission denied/,
  }),
  {
    name: "[SB2] leaves files in /tmp and /dev/shm for the host to find",
    async control(arena) {
      await arena.runOutside("shell", write(...LEFT_BEHIND).shell ?? "");
      expect(LEFT_BEHIND.map((path) => existsSync(path))).toEqual([true, true]);
      LEFT_BEHIND.forEach((path) => rmSync(path));
    },
    async attempt(arena) {
      for (const [runtime, code] of Object.entries(write(...LEFT_BEHIND))) {
        const { output } = await arena.run(hostile(runtime as "shell"), code);
        expect(output.trim()).toBe(LEFT_BEHIND.map((path) => `wrote ${path}`).join("\n"));
        expect(LEFT_BEHIND.map((path) => existsSync(path))).toEqual([false, false]);
      }
    },
  },
  {
    ...program({
      name: "[SB8] makes a device file for the host's memory and disk",
      code: command("rm -f /tmp/mem; mknod /tmp/mem c 1 1 && echo made; rm -f /tmp/mem"),
      wins: /made/,
      refused: /Operation not permitted/,
    }),
    needsRoot: true,
  },
  {
    ...program({
      name: "[SB8] mounts a folder in a namespace of its own",
      code: command(
        "unshare --mount -- sh -c 'mount -t tmpfs x /tmp && echo mounted'; unshare -rm -- sh -c 'mount -t tmpfs x /tmp && echo mounted'",
      ),
      wins: /mounted/,
      refused: /Operation not permitted/,
    }),
    needsRoot: true,
  },
  {
    ...program({
      name: "[SB8] changes its root folder",
      code: ({ secretFile }) =>
        command(
          `/usr/sbin/chroot / /bin/cat '${secretFile}' || /usr/sbin/chroot /proc/1/root /bin/cat '${secretFile}'`,
        ),
      refused: /Operation not permitted/,
    }),
    needsRoot: true,
  },
  program({
    name: "[SB2] makes a file of a terabyte out of holes",
    code: {
      nodejs: `const fs = require("fs"); fs.writeFileSync("/tmp/holes", ""); try { fs.truncateSync("/tmp/holes", 2 ** 40); print("made"); } finally { fs.unlinkSync("/tmp/holes"); }`,
      python: `import os\nopen("/tmp/holes", "w")\ntry: os.truncate("/tmp/holes", 2 ** 40); print("made")\nfinally: os.unlink("/tmp/holes")`,
      shell: `truncate -s 1T /tmp/holes && echo made; rm -f /tmp/holes`,
    },
    wins: /made/,
    refused: /EFBIG|File too large|File size limit|exit code 153/,
  }),
];

const LEFT_BEHIND = ["/tmp", "/dev/shm"].map((folder) => `${folder}/left-${randomUUID()}`);

/** A bundle that is spoiled before it is installed; unspoiled it installs. */
function bundle(name: string, spoil: (folder: string, arena: Arena) => void, refused: RegExp): Attack {
  const install = async (arena: Arena, isSpoiled: boolean): Promise<string> => {
    const folder = writeAgent(join(arena.scratch, randomUUID()), { id: "org.example.bundle", runtime: "shell" });
    if (isSpoiled) spoil(folder, arena);
    return arena.workbench.plugins.install({ path: folder }, arena.caller).then(
      ({ id }) => id,
      (error: unknown) => String(error),
    );
  };
  return {
    name,
    async control(arena) {
      expect(await install(arena, false)).toBe("org.example.bundle");
      await arena.uninstall("org.example.bundle");
    },
    async attempt(arena) {
      const outcome = await install(arena, true);
      expect(outcome).toMatch(refused);
      arena.said.push(outcome);
    },
  };
}

function replaceManifest(folder: string, by: (path: string) => void): void {
  const path = join(folder, "plugin.json");
  rmSync(path);
  by(path);
}

const BUNDLES: Attack[] = [
  bundle(
    "[PL180] makes the host wait for a manifest that is a pipe",
    (folder) => replaceManifest(folder, (path) => void execFileSync("mkfifo", [path])),
    /plugin\.json.*is no ordinary file/,
  ),
  bundle(
    "[PL180] makes the host read a manifest without end",
    (folder) => replaceManifest(folder, (path) => symlinkSync("/dev/zero", path)),
    /plugin\.json.*is a link/,
  ),
  bundle(
    "[PL180] has the host quote a secret file as a broken manifest",
    (folder, { targets }) => replaceManifest(folder, (path) => symlinkSync(targets.secretFile, path)),
    /plugin\.json.*is a link/,
  ),
  bundle(
    "[PL5] brings a link to a secret file along",
    (folder, { targets }) => symlinkSync(targets.secretFile, join(folder, "notes.txt")),
    /notes\.txt.*leaves? the bundle|leads out|outside/,
  ),
  bundle(
    "[PL5] brings a link to a folder of the host along",
    (folder, { targets }) => symlinkSync(targets.folder, join(folder, "notes")),
    /notes.*leaves? the bundle|leads out|outside/,
  ),
  bundle(
    "[PL5] brings a pipe along",
    (folder) => void execFileSync("mkfifo", [join(folder, "pipe")]),
    /pipe is neither a file nor a folder/,
  ),
];

export const filesystem: Attack[] = [...READS, ...WRITES, ...BUNDLES];
