import { execFileSync } from "node:child_process";
import { chmodSync, mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { createTempFolder } from "../../testing/index.ts";
import { checkBundle } from "./bundleCheck.ts";

let temp: ReturnType<typeof createTempFolder>;
let folder: string;

beforeEach(() => {
  temp = createTempFolder();
  folder = join(temp.path, "bundle");
  mkdirSync(join(folder, "lib"), { recursive: true });
  writeFileSync(join(folder, "main.js"), "", { mode: 0o644 });
  writeFileSync(join(folder, "lib/a.js"), "");
});
afterEach(() => temp[Symbol.dispose]());

const check = (entryPoint = "main.js", asStranger = true) => checkBundle({ folder, entryPoint, asStranger });
const refused = (detail: RegExp) => ({ code: "LM_PLUGIN_BUNDLE_INVALID", message: expect.stringMatching(detail) });

test("[SB20] files, folders and links that stay inside are accepted, also through a link to the bundle", async () => {
  symlinkSync("lib/a.js", join(folder, "short.js"));
  symlinkSync("../main.js", join(folder, "lib/up.js"));
  symlinkSync("lib", join(folder, "alias"));
  symlinkSync(folder, join(temp.path, "link"));
  await check();
  await checkBundle({ folder: join(temp.path, "link"), entryPoint: "lib/a.js", asStranger: false });
});

test.each([
  ["an absolute file", "/etc/passwd"],
  ["an absolute folder", "/"],
  ["a file above", "../secret.txt"],
  ["a sibling with the same beginning", "../bundle-2/x"],
  ["nothing", "missing.js"],
  ["a file above by way of a folder inside", "alias/../../secret.txt"],
])("[SB20] a link to %s is refused and named", async (_, target) => {
  writeFileSync(join(temp.path, "secret.txt"), "");
  mkdirSync(join(temp.path, "bundle-2"));
  writeFileSync(join(temp.path, "bundle-2/x"), "");
  symlinkSync("lib", join(folder, "alias"));
  symlinkSync(target, join(folder, "lib", "bad"));
  symlinkSync(target, join(folder, "bad"));
  await expect(check()).rejects.toMatchObject(refused(/the link "(lib\/)?bad"/));
});

test("[SB20] an absolute link is refused although it leads inside: it leads elsewhere in the sandbox", async () => {
  symlinkSync(join(folder, "main.js"), join(folder, "absolute.js"));
  await expect(check()).rejects.toMatchObject(refused(/"absolute.js"/));
});

test("[SB20] a pipe is refused", async () => {
  execFileSync("/usr/bin/mkfifo", [join(folder, "lib/pipe")]);
  await expect(check()).rejects.toMatchObject(refused(/"lib\/pipe", which is neither/));
});

test.each(["missing.js", "lib", "../main.js", "/etc/passwd", "lib/../../x"])(
  "[SB20] the entry point %s is refused",
  async (entryPoint) => {
    await expect(check(entryPoint)).rejects.toMatchObject(refused(/entry point/));
  },
);

test("[SB20] what the sandbox's user cannot read is refused before it starts", async () => {
  chmodSync(join(folder, "main.js"), 0o600);
  await expect(check()).rejects.toMatchObject(refused(/0755 and 0644/));
  await check("main.js", false);
  chmodSync(join(folder, "main.js"), 0o644);
  chmodSync(folder, 0o700);
  await expect(check()).rejects.toMatchObject(refused(/0755 and 0644/));
});

test("[SB20] a bundle of more than 20,000 entries is refused", async () => {
  for (let index = 0; index < 20_000; index++) writeFileSync(join(folder, "lib", String(index)), "");
  await expect(check()).rejects.toMatchObject(refused(/more than 20000 entries/));
});
