import { spawn } from "node:child_process";
import { readFileSync, readlinkSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { createBundle, IS_ROOT, runInside, runTampered, type Probe } from "./sandboxHarness.ts";

// What the launcher and bubblewrap leave to a plugin, line by line, where no attack shows it: seen from the host, or compared with the host.

const ENTRY = join(import.meta.dirname, "sandboxHostEntry.ts");
const SLEEPER: Probe = { runtime: "python", source: "import time; print('up', flush=True); time.sleep(60)" };
const NONE = "0000000000000000";

function statusOf(pid: number): Record<string, string> {
  const lines = readFileSync(`/proc/${pid}/status`, "utf8").split("\n");
  return Object.fromEntries(lines.map((line) => line.split(/:\s*/, 2) as [string, string]));
}

test.runIf(IS_ROOT)(
  "[SB8] root's launcher leaves bubblewrap no group, no capability and no way back to one",
  async () => {
    using bundle = createBundle(SLEEPER);
    const enriched = ["/usr/bin/setpriv", "--groups", "4242", "--inh-caps", "+chown,+setuid", "--"];
    const command = [...enriched, process.execPath, ENTRY, JSON.stringify(bundle.spec)];
    const host = spawn("/usr/bin/env", command, { stdio: ["ignore", "pipe", "inherit"], env: {} });
    const pid = await new Promise<number>((resolve) => {
      host.stdout.setEncoding("utf8").on("data", (text: string) => {
        const found = /launched (\d+)/.exec(text)?.[1];
        if (found !== undefined) resolve(Number(found));
      });
    });
    const [own, given] = [statusOf(host.pid ?? 0), statusOf(pid)];
    host.kill("SIGKILL");
    // The control: the host has what the launcher takes away.
    expect(own["Groups"]?.trim()).toBe("4242");
    for (const set of ["CapInh", "CapBnd", "CapPrm"]) expect(own[set]).not.toBe(NONE);
    const [uid] = (given["Uid"] ?? "").split("\t");
    expect(Number(uid)).toBeGreaterThanOrEqual(1_900_000_000);
    expect(given).toMatchObject({ Gid: [uid, uid, uid, uid].join("\t"), Groups: "", CapInh: NONE, CapPrm: NONE });
    expect(given).toMatchObject({ CapEff: NONE, CapBnd: NONE, CapAmb: NONE });
  },
);

const NAMESPACES = ["cgroup", "ipc", "mnt", "net", "pid", "user", "uts"];
const OWN: Probe = {
  runtime: "python",
  source: `import os, json\nprint(json.dumps({n: os.readlink("/proc/self/ns/" + n) for n in ${JSON.stringify(NAMESPACES)}} | {"sid": os.getsid(0), "name": os.uname().nodename, "home": oct(os.stat("/home/plugin").st_mode & 0o777)}))`,
};

test("[SB6, SB8] every namespace, the session and the name of the machine are the sandbox's own", async () => {
  const inside = JSON.parse((await runInside(OWN)).stdout) as Record<string, string | number>;
  const shared = NAMESPACES.filter((name) => inside[name] === readlinkSync(`/proc/self/ns/${name}`));
  expect(shared).toEqual([]);
  expect(inside).toMatchObject({ name: "sandbox", home: "0o700" });
  // A session that began outside has no number inside.
  expect(inside["sid"]).toBeGreaterThan(0);
  for (const name of ["ipc", "uts"]) {
    const without = await runTampered(OWN, {
      plan: (plan) => ({
        ...plan,
        options: plan.options.filter((word, at) => {
          const isName = name === "uts" && (word === "--hostname" || plan.options[at - 1] === "--hostname");
          return word !== `--unshare-${name}` && !isName;
        }),
      }),
    });
    expect(JSON.parse(without.stdout)).toMatchObject({ [name]: readlinkSync(`/proc/self/ns/${name}`) });
  }
});
