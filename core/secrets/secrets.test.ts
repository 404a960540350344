import { chmodSync, lstatSync, readFileSync, readdirSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { LogoMeshError } from "@logomesh/contracts";
import { expect, test } from "vitest";
import type { AuditEntryDraft, Logger } from "../ports/index.ts";
import { FakeClock, createTempFolder } from "../testing/index.ts";
import { SecretAdmin, SecretVault, createRedactingLogger } from "./index.ts";

const caller = { actor: { type: "person", id: "tester" } } as const;
const AT = "2026-01-01T00:00:00.000Z";

function setUp() {
  const folder = createTempFolder();
  const file = join(folder.path, "secrets.json");
  const log = { entries: [] as AuditEntryDraft[], unwritable: false };
  const open = () => {
    const vault = new SecretVault({ file, clock: new FakeClock() });
    const admin = new SecretAdmin({
      vault,
      audit: {
        command: () => ({ name: "", params: undefined }),
        enqueue: () => undefined,
        append: (draft) => {
          if (log.unwritable) return Promise.reject(new LogoMeshError("LM_AUDIT_UNWRITABLE", "full"));
          log.entries.push(draft);
          return Promise.resolve({ seq: 1 });
        },
      },
    });
    return { vault, admin };
  };
  return { folder, file, log, open, [Symbol.dispose]: () => folder[Symbol.dispose]() };
}

test("[SE1] a secret is set, replaced and removed, survives a restart, and is never told", async () => {
  using place = setUp();
  const { admin, vault } = place.open();
  expect(admin.list()).toEqual([]);
  expect(await admin.set("B_KEY", "first value", caller)).toEqual({ name: "B_KEY", updatedAt: AT });
  await admin.set("A_KEY", "ünïcode\nand more", caller);
  await admin.set("B_KEY", "second value", caller);
  expect(vault.get("B_KEY")).toBe("second value");
  const again = place.open();
  expect(again.admin.list()).toEqual([
    { name: "A_KEY", updatedAt: AT },
    { name: "B_KEY", updatedAt: AT },
  ]);
  expect(again.admin.get("A_KEY")).toEqual({ name: "A_KEY", updatedAt: AT });
  expect([again.vault.get("A_KEY"), again.vault.get("B_KEY")]).toEqual(["ünïcode\nand more", "second value"]);
  await again.admin.remove("A_KEY", caller);
  expect(again.vault.get("A_KEY")).toBeUndefined();
  expect(() => again.admin.get("A_KEY")).toThrow(expect.objectContaining({ code: "LM_NOT_FOUND" }));
  await expect(again.admin.remove("A_KEY", caller)).rejects.toMatchObject({ code: "LM_NOT_FOUND" });
  expect(readFileSync(place.file, "utf8")).not.toContain("ünïcode");
  expect(place.open().vault.get("constructor")).toBeUndefined();
});

test("[SE2] the file belongs to its owner alone, and nothing else is left beside it", async () => {
  using place = setUp();
  writeFileSync(`${place.file}.new`, "left by a crash", { mode: 0o644 });
  await place.open().admin.set("KEY", "some value", caller);
  expect(statSync(place.file).mode & 0o777).toBe(0o600);
  expect(readdirSync(place.folder.path)).toEqual(["secrets.json"]);
  chmodSync(place.file, 0o644);
  expect(place.open().vault.get("KEY")).toBe("some value");
  expect(statSync(place.file).mode & 0o777).toBe(0o600);
});

test.each([
  ["a damaged file", "{ secrets: hidden-value"],
  ["a foreign file", '{"secrets":{"KEY":"hidden-value"}}'],
  ["a name that is none", `{"secrets":{"a b":{"value":"hidden-value","updatedAt":"${AT}"}}}`],
])("[SE2] %s is refused without being quoted, and not touched", (_name, text) => {
  using place = setUp();
  writeFileSync(place.file, text);
  expect(place.open).toThrow(
    expect.objectContaining({ code: "LM_WORKSPACE_INVALID", message: expect.not.stringContaining("hidden") }),
  );
  expect(place.open).toThrow(place.file);
  expect(readFileSync(place.file, "utf8")).toBe(text);
});

test("[SE2] a link or a folder in its place is refused", () => {
  using place = setUp();
  writeFileSync(join(place.folder.path, "elsewhere"), '{"secrets":{}}', { mode: 0o644 });
  symlinkSync("elsewhere", place.file);
  expect(place.open).toThrow(expect.objectContaining({ code: "LM_WORKSPACE_INVALID" }));
  expect(lstatSync(place.file).isSymbolicLink()).toBe(true);
  expect(statSync(join(place.folder.path, "elsewhere")).mode & 0o777).toBe(0o644);
  const folder = () => new SecretVault({ file: place.folder.path, clock: new FakeClock() });
  expect(folder).toThrow("no ordinary file");
});

test.each([
  ["", "value", "LM_INPUT_INVALID"],
  ["lower", "value", "LM_INPUT_INVALID"],
  ["__proto__", "value", "LM_INPUT_INVALID"],
  ["A=B", "value", "LM_INPUT_INVALID"],
  ["1A", "value", "LM_INPUT_INVALID"],
  ["A".repeat(101), "value", "LM_INPUT_INVALID"],
  ["KEY", "", "LM_INPUT_INVALID"],
  ["KEY", "a\0b", "LM_INPUT_INVALID"],
  ["KEY", "\ud800", "LM_INPUT_INVALID"],
  ["KEY", "ü".repeat(16 * 1024 + 1), "LM_TOO_LARGE"],
])("[SE3] %j with %j is refused", async (name, value, code) => {
  using place = setUp();
  const refused = await place
    .open()
    .admin.set(name, value, caller)
    .catch((error: unknown) => error);
  expect(refused).toMatchObject({ code });
  if (value.length > 2) expect((refused as Error).message).not.toContain(value);
  expect(place.log.entries).toEqual([]);
});

test("[SE3] there are at most 500", async () => {
  using place = setUp();
  const secrets = Object.fromEntries(
    Array.from({ length: 500 }, (_none, index) => [`KEY_${index}`, { value: "v", updatedAt: AT }]),
  );
  writeFileSync(place.file, JSON.stringify({ secrets }));
  const { admin } = place.open();
  await expect(admin.set("ONE_MORE", "value", caller)).rejects.toMatchObject({ code: "LM_TOO_LARGE" });
  await admin.set("KEY_7", "value", caller);
});

test("[SE4] changes are entries with the name alone; without the log nothing changes", async () => {
  using place = setUp();
  const { admin, vault } = place.open();
  await admin.set("KEY", "some value", caller);
  await admin.remove("KEY", caller);
  expect(place.log.entries).toEqual([
    { kind: "secret.set", actor: caller.actor, data: { secret: "KEY" } },
    { kind: "secret.removed", actor: caller.actor, data: { secret: "KEY" } },
  ]);
  await admin.set("KEY", "some value", caller);
  place.log.unwritable = true;
  await expect(admin.set("KEY", "other value", caller)).rejects.toMatchObject({ code: "LM_AUDIT_UNWRITABLE" });
  await expect(admin.remove("KEY", caller)).rejects.toMatchObject({ code: "LM_AUDIT_UNWRITABLE" });
  expect(vault.get("KEY")).toBe("some value");
});

test("[SE5] values are replaced wherever they stand, longer ones first, and lines of long ones too", async () => {
  using place = setUp();
  const { admin, vault } = place.open();
  await admin.set("SHORT", "tiny", caller);
  await admin.set("KEY", "abcdef", caller);
  await admin.set("LONGER", "abcdefghi", caller);
  await admin.set("PEM", "-----BEGIN-----\r\nfirst line\n  second line \n\n", caller);
  expect(vault.redact("tiny abcdef abcdefghi abcdefabcdef")).toBe(
    "tiny [secret KEY] [secret LONGER] [secret KEY][secret KEY]",
  );
  expect(vault.redact("x first line, second line")).toBe("x [secret PEM], [secret PEM]");
  await admin.remove("KEY", caller);
  expect(vault.redact("abcdef")).toBe("abcdef");
});

test("[SE5] a log line holds no secret, wherever in its fields it is", async () => {
  using place = setUp();
  const { admin, vault } = place.open();
  await admin.set("KEY", "s3cret-value", caller);
  const lines: [string, object, string][] = [];
  const keep =
    (level: string, base: object): Logger["info"] =>
    (fields, message) =>
      lines.push([level, { ...base, ...fields }, message]);
  const collect = (base: object): Logger => ({
    debug: keep("debug", base),
    info: keep("info", base),
    warn: keep("warn", base),
    error: keep("error", base),
    child: (fields) => collect({ ...base, ...fields }),
  });
  const logger = createRedactingLogger(collect({}), vault).child({ who: "s3cret-value" });
  const deep = { a: { b: { c: { d: { e: { f: { g: "s3cret-value" } } } } } } };
  logger.debug(
    {
      text: "is s3cret-value!",
      map: new Map([["a", "s3cret-value"]]),
      count: 7,
      none: null,
      list: ["s3cret-value", true],
    },
    "one",
  );
  logger.info({ error: new Error("s3cret-value was refused") }, "two");
  logger.warn(deep, "three");
  logger.error({}, "four");
  expect(JSON.stringify(lines)).not.toContain("s3cret");
  const who = "[secret KEY]";
  expect(lines).toEqual([
    [
      "debug",
      {
        who,
        text: "is [secret KEY]!",
        map: "Map(1) { 'a' => '[secret KEY]' }",
        count: 7,
        none: null,
        list: ["[secret KEY]", true],
      },
      "one",
    ],
    ["info", { who, error: { message: "[secret KEY] was refused" } }, "two"],
    ["warn", { who, a: { b: { c: { d: { e: { f: "…" } } } } } }, "three"],
    ["error", { who }, "four"],
  ]);
});
