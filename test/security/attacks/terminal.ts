import type { JsonObject } from "@logomesh/contracts";
import { expect } from "vitest";
import { runCli } from "../../../cli/testing/runCli.ts";
import { terminalText } from "../../../core/logger/terminalText.ts";
import { hostile, type Arena } from "../arena/arena.ts";
import { type Attack } from "../attack.ts";

// What a plugin says is shown in a terminal, where texts can be orders: they clear the screen, write to the clipboard, hide what stands before
// them, turn words around, or look like lines of ours.

/** Clears the screen, fills the clipboard, colours by one byte, turns the direction, goes back to the line's start, rubs out. */
const ORDERS = "\u001b[2J\u001b]52;c;cHduZWQ=\u0007\u009b31m\u202epwned\u2066\rfine\u2028\u007f\b";
/** A line that a command of ours could have written. */
const FORGED = "\n✓ Everything is as it should be.";
/** What a terminal obeys instead of showing. */
// eslint forbids such characters in a pattern's text, so the pattern is made of their numbers.
const OBEYED = new RegExp(
  `[\\u0000-\\u0008\\u000b-\\u001f\\u007f-\\u009f\\u061c\\u200e\\u200f\\u2028\\u2029\\u202a-\\u202e\\u2066-\\u2069]`,
);

interface ShownAttack {
  name: string;
  /** Has the plugin say it. What comes back is done at the end. */
  say: (arena: Arena) => Promise<AsyncDisposable | undefined>;
  /** As the workbench answers it: the orders must be in it, else nothing is shown. */
  answered: (arena: Arena) => unknown;
  /** Commands that show it. */
  shownBy: (arena: Arena) => readonly string[][] | Promise<readonly string[][]>;
  /** The output is the plugin's from the first to the last line. */
  isItsOwn?: boolean;
}

async function show(arena: Arena, argv: readonly string[]): Promise<string> {
  const { out, err } = await runCli([...argv], { env: { LOGOMESH_WORKSPACE: arena.root }, isTTY: false, columns: 100 });
  return out + err;
}

function shown({ name, say, answered, shownBy, isItsOwn = false }: ShownAttack): Attack {
  return {
    name,
    async control(arena) {
      await using _said = await say(arena);
      // Whoever printed this as it is would obey it.
      const texts = textsIn(await answered(arena));
      expect(texts.filter((text) => text.includes("pwned") && OBEYED.test(text))).not.toEqual([]);
    },
    async attempt(arena) {
      await using _said = await say(arena);
      for (const argv of await shownBy(arena)) {
        const text = await show(arena, argv);
        expect(text, argv.join(" ")).toContain("pwned");
        expect(text.match(OBEYED), argv.join(" ")).toBeNull();
        if (!isItsOwn) expect(text.split("\n"), argv.join(" ")).not.toContain(FORGED.slice(1));
      }
      expectInertLog(arena);
    },
  };
}

/** Every line of the log is one record, and nothing in it is obeyed, neither as it is nor as a terminal gets it. */
function expectInertLog({ logged }: Arena): void {
  for (const line of logged) {
    expect(line.trimEnd().match(OBEYED)).toBeNull();
    expect(line).toMatch(/^\{.*\}\n$/);
    expect(terminalText(line).replaceAll("\n", "").match(OBEYED)).toBeNull();
    expect(terminalText(line).split("\n")).not.toContain(FORGED.slice(1));
  }
}

function textsIn(value: unknown): string[] {
  if (typeof value === "string") return [value];
  if (typeof value !== "object" || value === null) return [];
  return Object.entries(value).flatMap(([name, part]) => [name, ...textsIn(part)]);
}

const TALKER = "org.example.talker";
const SAID = JSON.stringify(ORDERS + FORGED);

/** A plugin that talks; gone when it is disposed. */
async function talker(
  arena: Arena,
  options: { start?: string; permissions?: JsonObject } = {},
): Promise<AsyncDisposable> {
  const { start = "", permissions = {} } = options;
  await arena.install({ id: TALKER, runtime: "python", start, manifest: { permissions } });
  return { [Symbol.asyncDispose]: () => arena.uninstall(TALKER) };
}

/** A talker that has run a piece of code. */
const having =
  (code: string, options: { start?: string; permissions?: JsonObject } = {}) =>
  async (arena: Arena) => {
    const plugin = await talker(arena, options);
    await arena.run(TALKER, code);
    return plugin;
  };
const why = "to be seen";
const TOOLS = `tools += [{"name": ${SAID}[:100], "description": ${SAID}, "inputSchema": {"type": "object"}}]`;
const entries = (arena: Arena) => arena.workbench.audit.query({ limit: 20 });
const inTheLog = (): string[][] => [
  ["audit", "query", "--limit", "20"],
  ["audit", "query", "--limit", "20", "--json"],
];

export const terminal: Attack[] = [
  shown({
    name: "[PL183] gives orders to the terminal on standard error",
    say: having(`import sys; sys.stderr.write(${SAID} + "\\n")`),
    answered: ({ workbench }) => workbench.plugins.logs(TALKER),
    shownBy: () => [["plugin", "logs", TALKER]],
    isItsOwn: true,
  }),
  shown({
    name: "[PL183] [PL107] gives orders to the terminal as messages of its log",
    say: having(
      `send(method="notifications/message", params={"level": ${SAID}[:15], "logger": ${SAID}, "data": ${SAID}})`,
    ),
    answered: ({ workbench }) => workbench.plugins.logs(TALKER),
    shownBy: () => [["plugin", "logs", TALKER]],
    isItsOwn: true,
  }),
  shown({
    name: "[PL183] gives orders to the terminal by the names and descriptions of its tools",
    say: having("pass", { start: TOOLS }),
    answered: ({ workbench }) => workbench.plugins.get(TALKER).tools,
    shownBy: () => [
      ["plugin", "list"],
      ["plugin", "call", TALKER, "no-such-tool"],
    ],
  }),
  shown({
    name: "[PL183] gives orders to the terminal as the reason of its fall",
    say: having(`import os, sys; sys.stderr.write(${SAID}); sys.stderr.flush(); os._exit(3)`),
    answered: ({ workbench }) => workbench.plugins.get(TALKER).stateReason,
    shownBy: () => [["plugin", "list"], ...inTheLog(), ["plugin", "call", TALKER, "attack"]],
  }),
  shown({
    name: "[PL183] gives orders to the terminal with its answer",
    say: having("pass", {
      start: ANSWERS(`{"content": [{"type": "text", "text": ${SAID}}], "structuredContent": {${SAID}: ${SAID}}}`),
    }),
    answered: (arena) =>
      arena.workbench.plugins.call(
        { pluginId: TALKER, tool: "attack" },
        { arguments: {} },
        { caller: arena.caller, signal: new AbortController().signal },
      ),
    shownBy: () => [
      ["plugin", "call", TALKER, "attack"],
      ["plugin", "call", TALKER, "attack", "--json"],
    ],
  }),
  shown({
    name: "[PL183] gives orders to the terminal with an error",
    say: having("pass", {
      start: `plain = answer\ndef answer(message):\n  if message["method"] != "tools/call": return plain(message)\n  send(id=message["id"], error={"code": 1, "message": ${SAID}}); return {}`,
    }),
    answered: (arena) => arena.call(TALKER, ""),
    shownBy: () => [
      ["plugin", "call", TALKER, "attack"],
      ["plugin", "call", TALKER, "attack", "--json"],
    ],
  }),
  shown({
    name: "[PL183] gives orders to the terminal by the title of a thought",
    say: having(
      `request("tools/call", {"name": "thought_create", "arguments": {"title": ${SAID}.replace("\\n", " "), "segments": []}})`,
      { permissions: { "thought.write": { why } } },
    ),
    answered: ({ workbench }) => workbench.thoughts.list({ limit: 5 }),
    shownBy: async (arena) => {
      arena.expected.push("thoughts");
      const [newest] = (await arena.workbench.thoughts.list({ limit: 1 })).items;
      return [
        ["thought", "list"],
        ["thought", "show", newest?.id ?? ""],
      ];
    },
  }),
  shown({
    name: "[PL183] gives orders to the terminal by what it asks the host for, which the log keeps",
    say: having(`request("tools/call", {"name": "store_get", "arguments": {"key": ${SAID}[:150]}})`, {
      permissions: { store: { max_bytes: 10, why } },
    }),
    answered: entries,
    shownBy: async (arena) => {
      const { items } = await entries(arena);
      const seq = items.find(({ kind }) => kind === "host.store_get")?.seq ?? 0;
      return [
        ["audit", "show", String(seq)],
        ["audit", "query", "--json"],
      ];
    },
  }),
  shown({
    name: "[PL183] hides what a change does behind characters that nobody sees",
    say: having(
      `request("tools/call", {"name": "fs_propose_change", "arguments": {"path": "docs/talk.md", "text": ${SAID}, "reason": ${SAID}}})`,
      { permissions: { "fs.propose": [{ path: "docs", why }] } },
    ),
    answered: async ({ workbench }) =>
      workbench.approvals.get((await workbench.approvals.list({ limit: 1 })).items[0]?.id ?? ""),
    shownBy: async (arena) => {
      arena.expected.push("approvals");
      const [newest] = (await arena.workbench.approvals.list({ limit: 1 })).items;
      return [["approval", "show", newest?.id ?? ""]];
    },
  }),
  shown({
    name: "[PL183] gives orders to the terminal by the reasons of its permissions, before anybody granted them",
    say: async (arena) => {
      await arena.put({
        id: TALKER,
        runtime: "shell",
        manifest: {
          name: `Talker ${ORDERS}`,
          description: `It is ${ORDERS}`,
          permissions: { store: { max_bytes: 1, why: ORDERS + FORGED } },
        },
      });
      return { [Symbol.asyncDispose]: () => arena.uninstall(TALKER) };
    },
    answered: ({ workbench }) => workbench.plugins.get(TALKER),
    shownBy: () => [["plugin", "grant", TALKER, "--yes"]],
  }),
  {
    name: "[PL183] forges records of the workbench's own log",
    async control(arena) {
      arena.logged.length = 0;
      await arena.run(hostile("shell"), `echo '{"level":"info","msg":"forged"}' | complain; exit 0`);
      expect(arena.workbench.plugins.logs(hostile("shell")).join("\n")).toContain("forged");
    },
    async attempt(arena) {
      const code = `import os, sys\nsys.stderr.write('{"level":"error","msg":"forged"}' + ${SAID} + '\\n{"level":"error","msg":"forged"}\\n'); sys.stderr.flush()\nos._exit(3)`;
      await arena.run(hostile("python"), code);
      await expect.poll(() => arena.logged.join("")).toContain("plugin ended by itself");
      expectInertLog(arena);
      expect(arena.logged.map((line) => (JSON.parse(line) as { msg: string }).msg)).not.toContain("forged");
      await arena.renew(hostile("python"));
    },
  },
];

function ANSWERS(result: string): string {
  return `plain = answer\ndef answer(message):\n  return ${result} if message["method"] == "tools/call" else plain(message)`;
}
