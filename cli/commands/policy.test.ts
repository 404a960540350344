import { existsSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { LogoMeshError, type Constitution, type ConstitutionChange, type PolicyExplanation } from "@logomesh/contracts";
import { createTempFolder } from "@logomesh/core/testing";
import { expect, test } from "vitest";
import { runCli, running, startable } from "../testing/runCli.ts";
import { createStubWorkbench } from "../testing/stubWorkbench.ts";

const EVIL = "\u001b]0;owned\u0007\nforged line";
const RULE = '@id("a")\nforbid (principal, action == Action::"plugin.call", resource);\n';
const CONSTITUTION: Constitution = {
  ...{ file: "/w/constitution.cedar", text: "// old\n", sha256: "11" },
  inForce: { sha256: "11", rules: [] },
};
const DENIED = { allowed: false, policies: ["a"], reason: EVIL };
const FLIP = { principal: `Plugin:${EVIL}`, action: "plugin.call", resource: EVIL, tainted: true, callDepth: 0 };
const CHANGE: ConstitutionChange = {
  ...{ applied: false, sha256: "22", replayed: 3, left: 0, rules: { added: ["a"], removed: ["b"], changed: ["c"] } },
  flips: [
    { ...FLIP, from: "grant", before: { ...DENIED, allowed: true }, after: DENIED },
    { ...FLIP, from: "decision", before: DENIED, after: { ...DENIED, allowed: true } },
  ],
};
const EXPLANATION: PolicyExplanation = {
  ...{ seq: 7, ts: "2026-01-01T00:00:00.000Z", recorded: DENIED },
  request: {
    ...{ action: "net.fetch", callDepth: 2, tainted: true, run: EVIL, task: "/do/0/x" },
    resource: { type: "NetHost", id: EVIL, attributes: { method: EVIL } },
  },
  principals: [{ principal: EVIL, isRefused: true, now: { ...DENIED, allowed: true } }],
  policies: [
    { id: "a", origin: "constitution", why: EVIL, text: RULE },
    { id: "gone", origin: "constitution" },
  ],
  remedy: { text: EVIL, suffices: true, grant: { kind: "plugin", plugin: "p", permissions: { "fs.read": [] } } },
};

function stub(constitution: Constitution = CONSTITUTION, change = CHANGE) {
  return createStubWorkbench({
    getConstitution: () => constitution,
    putConstitution: ({ query, body }) => {
      if ((body as { text: string }).text.includes("nonsense"))
        throw new LogoMeshError("LM_POLICY_CONSTITUTION_INVALID", "constitution.cedar, line 1, column 1: no.");
      return { ...change, applied: !query.has("preview") };
    },
    explainDecision: ({ path }) =>
      path.endsWith("8") ? { ...EXPLANATION, recorded: { ...DENIED, allowed: true }, remedy: undefined } : EXPLANATION,
  });
}

/** Puts a text into the file that it is given, as an editor does. */
function editor(...texts: string[]) {
  const files: string[] = [];
  const openEditor = (file: string): Promise<number> => {
    files.push(file);
    writeFileSync(file, texts.shift() ?? "");
    return Promise.resolve(0);
  };
  return { files, openEditor };
}

test("the constitution is shown, and whether it is in force", async () => {
  const good = await runCli(["policy", "show"], { workbenches: running(stub()) });
  expect([good.code, good.out, good.err]).toEqual([
    0,
    "// old\n",
    "✓ 0 rules are in force, from /w/constitution.cedar\n",
  ]);
  const problem = new LogoMeshError("LM_POLICY_CONSTITUTION_INVALID", EVIL).toProblem();
  const bad = await runCli(["policy", "show"], { workbenches: running(stub({ ...CONSTITUTION, problem })) });
  expect([bad.code, bad.err]).toEqual([1, expect.stringContaining("last good version, with 0 rules")]);
  expect(bad.err).not.toContain("\u001b]");
  const closed = await runCli(["policy", "show"], { workbenches: running(stub({ file: "/w/c", problem })) });
  expect(closed.err).toContain("Nothing privileged runs");
  const json = await runCli(["policy", "show", "--json"], { workbenches: running(stub()) });
  expect(JSON.parse(json.out)).toEqual(CONSTITUTION);
});

test("a file is checked without a workbench, and compared where one runs", async () => {
  using folder = createTempFolder();
  writeFileSync(`${folder.path}/good.cedar`, RULE);
  writeFileSync(`${folder.path}/bad.cedar`, "permit (principal, action, resource);");
  const idle = { workbenches: startable(stub()).workbenches, cwd: folder.path };
  const good = await runCli(["policy", "check", "good.cedar"], idle);
  expect([good.code, good.out]).toEqual([0, "✓ good.cedar is valid: 1 rules\n"]);
  expect(good.err).toContain("No workbench runs");
  const bad = await runCli(["policy", "check", "bad.cedar"], idle);
  expect([bad.code, bad.err]).toEqual([1, expect.stringContaining("bad.cedar, line 1, column 1")]);
  const outside = {
    find: () => Promise.reject(new LogoMeshError("LM_WORKSPACE_INVALID", "none")),
    start: idle.workbenches.start,
  };
  expect((await runCli(["policy", "check", "good.cedar"], { ...idle, workbenches: outside })).code).toBe(0);
  const broken = { ...outside, find: () => Promise.reject(new LogoMeshError("LM_INTERNAL", "none")) };
  expect((await runCli(["policy", "check", "good.cedar"], { ...idle, workbenches: broken })).code).toBe(1);
  const compared = await runCli(["policy", "check", "-"], { workbenches: running(stub()), stdin: RULE });
  expect(compared.out).toContain("Rules:\n  + a\n  - b\n  ~ c\n2 of 3 requests would be decided differently:\n");
  expect(compared.out).toContain("  denied  Plugin:␛]0;owned␇␊forged line  plugin.call");
  expect(compared.out).toContain("    was: ␛]0;owned");
  expect(compared.out).not.toMatch(/^forged/m);
  const json = await runCli(["policy", "check", "-", "--json"], { workbenches: running(stub()), stdin: RULE });
  expect(JSON.parse(json.out)).toMatchObject({ valid: true, rules: ["a"], change: { replayed: 3 } });
  writeFileSync(`${folder.path}/logomesh.yaml`, "");
  writeFileSync(`${folder.path}/constitution.cedar`, RULE);
  expect((await runCli(["policy", "check"], idle)).out).toContain("✓ constitution.cedar is valid");
});

test("an edit is previewed, asked about, and put in force on top of what was read", async () => {
  const workbench = stub();
  const { openEditor, files } = editor(RULE, RULE);
  const options = { workbenches: running(workbench), openEditor };
  const no = await runCli(["policy", "edit"], { ...options, stdin: "n\n" });
  expect([no.code, no.err]).toEqual([1, expect.stringContaining("Put it in force? [y/N] Nothing was changed.")]);
  const yes = await runCli(["policy", "edit"], { ...options, stdin: "y\n" });
  expect([yes.code, yes.out]).toEqual([0, expect.stringContaining("✓ In force: 22")]);
  expect(workbench.requests.at(-1)).toBe(
    `PUT /api/policy/constitution ${JSON.stringify({ text: RULE, baseSha256: "11" })}`,
  );
  expect(files.filter((file) => existsSync(file))).toEqual([]);
});

test("a text that is not valid can be edited again, and is kept when the user gives up", async () => {
  const again = editor("nonsense", RULE);
  const options = { workbenches: running(stub()), openEditor: again.openEditor };
  const mended = await runCli(["policy", "edit", "--yes", "--json"], { ...options, stdin: "y\n" });
  expect([mended.code, JSON.parse(mended.out)]).toMatchObject([0, { applied: true }]);
  const { openEditor, files } = editor("nonsense");
  const gaveUp = await runCli(["policy", "edit"], { ...options, openEditor, stdin: "" });
  expect([gaveUp.code, gaveUp.err]).toEqual([1, expect.stringContaining(`Your text is in ${files[0]!}`)]);
  expect(readFileSync(files[0]!, "utf8")).toBe("nonsense");
  rmSync(dirname(files[0]!), { recursive: true });
});

test("a text can come from a file; one that is the same changes nothing; an editor that fails changes nothing", async () => {
  const workbenches = running(
    stub(CONSTITUTION, { ...CHANGE, rules: { added: [], removed: [], changed: [] }, flips: [] }),
  );
  const put = await runCli(["policy", "edit", "--file", "-", "--yes"], { workbenches, stdin: RULE });
  expect([put.code, put.out]).toEqual([0, expect.stringMatching(/^No rule changes\.\nNone of 3 requests/)]);
  const same = await runCli(["policy", "edit", "--file", "-"], { workbenches, stdin: "// old\n" });
  expect([same.code, same.err]).toEqual([0, "Nothing was changed.\n"]);
  const failed = await runCli(["policy", "edit"], { workbenches, openEditor: () => Promise.resolve(3) });
  expect([failed.code, failed.err]).toEqual([1, expect.stringContaining("exit code 3")]);
});

test("an entry is explained: who, what, which policy, and what would change it", async () => {
  const workbenches = running(stub());
  const { out } = await runCli(["policy", "why", "7"], { workbenches });
  for (const part of [
    "denied",
    "net.fetch on NetHost",
    "method:",
    "2 calls deep",
    "✗ refused",
    "no such policy",
    '{"fs.read":[]}',
  ])
    expect(out).toContain(part);
  expect(out).not.toContain("\u001b]");
  expect((await runCli(["policy", "why", "8"], { workbenches })).out).toContain("It would be allowed now.");
  expect((await runCli(["policy", "why", "x"], { workbenches })).code).toBe(2);
  const json = await runCli(["policy", "why", "7", "--json"], { workbenches });
  expect(JSON.parse(json.out)).toMatchObject({ seq: 7 });
});
