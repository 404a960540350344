import type { PluginRuntime } from "@logomesh/contracts";
import { expect } from "vitest";
import { type Code } from "../arena/agents.ts";
import { hostile, type Arena, type Attempt } from "../arena/arena.ts";
import { expectRefused, program, type Attack } from "../attack.ts";

// What a plugin can say that it should not. The control is the same message said as it should be.

interface SaidAttack {
  name: string;
  /** Lines to write, as Python expressions; `id` is that of the call. */
  says: string;
  /** What an honest plugin would say instead; then the call is answered. */
  honest?: string;
  refused: RegExp;
}

/** Lines that a plugin writes while it answers, in Python and through the same bytes in the other languages. */
function says({
  name,
  says: lines,
  honest = `'{"jsonrpc":"2.0","method":"notifications/progress","params":{}}'`,
  refused,
}: SaidAttack): Attack {
  const code = (text: string): Code => ({
    python: `id = message["id"]\nfor line in [${text}]: raw(line if isinstance(line, bytes) else line + "\\n")\nprint("answered")`,
  });
  return program({
    name,
    code: code(lines),
    control: async (arena) => {
      const { output } = await arena.run(hostile("python"), code(honest).python ?? "");
      expect(output).toBe("answered");
      await arena.renew(hostile("python"));
    },
    refused,
    isLasting: true,
  });
}

const DROPPED = /^answered/;
const answer = (members: string): string => `'{"jsonrpc":"2.0","id":' + str(id) + ',${members}}'`;

const MESSAGES: Attack[] = [
  says({
    name: "[PL7] nests a message beyond every parser's stack",
    says: `b"[" * 200_000 + b"]" * 200_000 + b"\\n"`,
    honest: `b'{"jsonrpc":"2.0","method":"x","params":' + b'{"a":' * 50 + b"1" + b"}" * 51 + b"\\n"`,
    refused: /LM_PLUGIN_PROTOCOL.*nested more than 64 deep/,
  }),
  says({
    name: "[PL8] writes what is no UTF-8, a byte order mark, NUL, line separators",
    says: `b"\\xef\\xbb\\xbf{}\\n", b"\\x00\\n", b"\\xff\\xff\\n", "\\u2028{}", '{"jsonrpc":"2.0","method":"a\\\\u0000"}', "[]", "1", '"text"', "null", "{}"`,
    refused: DROPPED,
  }),
  says({
    name: "[PL8] answers under ids that are no ids, and those of other calls",
    says: `*['{"jsonrpc":"2.0","id":' + bad + ',"result":{"content":[]}}' for bad in ("null", '"' + str(id) + '"', str(id) + ".5", "-1", "9007199254740993", "1e400", "[1]", "{}", "true", str(id + 1))]`,
    refused: DROPPED,
  }),
  says({
    name: "[PL8] answers a call twice, the second time otherwise",
    says: `${answer(`"result":{"content":[],"structuredContent":{"output":"Zmlyc3Q="}}`)}, ${answer(`"result":{"content":[],"structuredContent":{"output":"c2Vjb25k"}}`)}`,
    refused: /^first\n/,
  }),
  says({
    name: "[PL8] answers with a result and an error at once, and with neither",
    says: answer(`"result":{"content":[]},"error":{"code":1,"message":"no"}`),
    refused: /LM_PLUGIN_TOOL_FAILED/,
  }),
  says({
    name: "[PL8] smuggles a prototype into the host with its answer",
    says: answer(
      `"result":{"content":[],"structuredContent":{"output":"","__proto__":{"polluted":true},"constructor":{"prototype":{"polluted":true}}},"_meta":{"__proto__":{"polluted":true}}}`,
    ),
    refused: /^\n/,
  }),
  says({
    name: "[PL8] gives one member of its answer twice",
    says: answer(`"result":{"content":[],"structuredContent":{"output":"Zmlyc3Q=","output":"c2Vjb25k"}}`),
    refused: /^second\n/,
  }),
  says({
    name: "[PL17] asks the client for what no client has",
    says: `*['{"jsonrpc":"2.0","id":"q' + str(n) + '","method":"' + m + '","params":{}}' for n, m in enumerate(("tools/call", "elicitation/create", "initialize", "logomesh/host.readFile", "__proto__", "constructor", "sampling/createMessage", "roots/list"))]`,
    refused: DROPPED,
  }),
  says({
    name: "[PL17] asks a thousand questions at once",
    says: `*['{"jsonrpc":"2.0","id":"q' + str(n) + '","method":"sampling/createMessage","params":{"messages":[]}}' for n in range(1500)]`,
    refused: /LM_PLUGIN_PROTOCOL.*messages in a second without being asked/,
  }),
  says({
    name: "[PL107] says without end that its tools changed",
    says: `*['{"jsonrpc":"2.0","method":"notifications/tools/list_changed"}'] * 900`,
    refused: DROPPED,
  }),
  says({
    name: "[PL11] [PL33] answers with more than a message may hold",
    says: answer(`"result":{"content":[{"type":"text","text":"' + "x" * 2_000_000 + '"}]}`),
    refused: /LM_PLUGIN_PROTOCOL.*line of more than 1048576 bytes/,
  }),
];

/** What is written on descriptor 3; `write` of Python, the same bytes by the others. */
function plane(name: string, lines: string, refused: RegExp): Attack {
  const ask = `print(request("tools/list", {})["result"]["tools"][0]["name"])`;
  return program({
    name,
    code: {
      python: `import os, time\n${ask}\nfor line in [${lines}]: os.write(3, line)\ntime.sleep(2)\nprint("alive")`,
    },
    control: async (arena) => {
      const { output } = await arena.run(hostile("python"), ask);
      expect(output).toMatch(/^\w+$/);
      await arena.renew(hostile("python"));
    },
    refused,
    isLasting: true,
  });
}

const PLANE: Attack[] = [
  plane(
    "[HP7] breaks the host plane with noise",
    `b"noise\\n"] * 30 + [b""`,
    /LM_PLUGIN_PROTOCOL.*20 messages that break the protocol/,
  ),
  plane(
    "[HP7] breaks the host plane with a line without end",
    `b"x" * 65536] * 20 + [b""`,
    /LM_PLUGIN_PROTOCOL.*line of more than 1048576 bytes/,
  ),
  plane("[HP7] breaks the host plane by depth", `b"[" * 100 + b"\\n"`, /LM_PLUGIN_PROTOCOL.*nested more than 64 deep/),
  plane(
    "[HP8] asks the host plane without end",
    `b'{"jsonrpc":"2.0","method":"notifications/x"}\\n' * 500] * 60 + [b""`,
    /LM_PLUGIN_PROTOCOL.*more than anybody could answer/,
  ),
  {
    ...plane("[HP9] asks and never reads the answers", "b''", /./),
    attempt: async (arena) => {
      const code = `
import json, os, time
os.set_blocking(3, False)
question = json.dumps({"jsonrpc": "2.0", "id": 0, "method": "tools/list", "params": {"_meta": {"io.modelcontextprotocol/protocolVersion": "2026-07-28", "io.modelcontextprotocol/clientCapabilities": {}}}}).encode()
sent, end = 0, time.time() + 1
while time.time() < end and sent < 20_000:
  try: os.write(3, question.replace(b'"id": 0', b'"id": ' + str(sent + 10).encode()) + b"\\n"); sent += 1
  except BlockingIOError: time.sleep(0.01)
print("blocked" if sent < 20_000 else "all taken", sent)`;
      expectRefused(await arena.run(hostile("python"), code), /blocked|LM_PLUGIN_PROTOCOL/);
      await arena.renew(hostile("python"));
    },
  },
];

const own = (runtime: PluginRuntime): string => `org.example.own-${runtime}`;
/** Long enough for a pattern that tries every way to cut it. */
const RUN: Code = { nodejs: "print('ran')", python: `print('ran') # ${"x".repeat(80)}`, shell: "echo ran" };

/** A plugin of its own for each language, whose start is spoiled; unspoiled it starts and answers. */
function started(name: string, start: Code, check: (attempt: Attempt, arena: Arena) => void | Promise<void>): Attack {
  const begin = async (arena: Arena, isSpoiled: boolean, then: typeof check) => {
    const attempts = Object.entries(start).map(async ([name, spoiled]) => {
      const runtime = name as PluginRuntime;
      await using stack = new AsyncDisposableStack();
      const manifest = { resource_limits: { start_timeout_ms: isSpoiled ? 1_500 : 10_000 } };
      await arena.install({ id: own(runtime), runtime, start: isSpoiled ? spoiled : "", manifest });
      stack.defer(() => arena.uninstall(own(runtime)));
      await then(await arena.run(own(runtime), RUN[runtime] ?? ""), arena);
    });
    await Promise.all(attempts);
  };
  return {
    name,
    control: (arena) => begin(arena, false, ({ output }) => expect(output.trim()).toBe("ran")),
    attempt: (arena) => begin(arena, true, check),
  };
}

const refuses =
  (refused: RegExp) =>
  (attempt: Attempt): void =>
    expectRefused(attempt, refused);
const tools = (python: string): Code => ({ python: `global tools\ntools = ${python}` });

const STARTS: Attack[] = [
  started(
    "[PL12] never answers the handshake",
    {
      nodejs: "await new Promise(() => setInterval(() => {}, 1e6));",
      python: "import time; time.sleep(60)",
      shell: "sleep 60",
    },
    refuses(/LM_PLUGIN_START_FAILED.*within 1500 ms/),
  ),
  started(
    "[PL12] ends before it says anything, with a banner",
    {
      nodejs: `process.stdout.write("Welcome!\\n"); process.exit(0);`,
      python: `print("Welcome!", flush=True); import os; os._exit(0)`,
      shell: "echo 'Welcome!'; exit 0",
    },
    refuses(/LM_PLUGIN_START_FAILED/),
  ),
  started("[PL13] lists the same tool twice", tools(`tools * 2`), refuses(/lists the tool attack twice/)),
  started("[PL13] lists a tool without a name", tools(`[{"name": ""}]`), refuses(/without a usable name/)),
  started(
    "[PL13] lists more tools than anybody has",
    tools(`[{"name": f"t{n}", "inputSchema": {}} for n in range(1_001)]`),
    refuses(/more than 1000 tools/),
  ),
  started(
    "[PL13] lists its tools in a circle of pages",
    {
      python: `plain = answer\ndef answer(message):\n  return {"tools": [], "nextCursor": "again"} if message["method"] == "tools/list" else plain(message)`,
    },
    refuses(/in a circle|LM_PLUGIN/),
  ),
  started(
    "[PL181] fills the host with descriptions of its tools",
    {
      python: `
plain, page = answer, 0
def answer(message):
  global page
  if message["method"] != "tools/list": return plain(message)
  page += 1
  big = {"type": "object", "description": "x" * 60_000}
  listed = [{"name": f"t{page}-{n}", "inputSchema": big, "outputSchema": big} for n in range(8)]
  return {"tools": tools if page == 1 else listed, "nextCursor": str(page)} if page < 100 else {"tools": listed}`,
    },
    refuses(/LM_PLUGIN/),
  ),
  started(
    "[PL15] [PL182] holds everybody up with a schema whose pattern never ends, again and again",
    tools(
      `[{"name": "attack", "inputSchema": {"type": "object", "properties": {"code": {"type": "string", "pattern": "^(([a-zA-Z0-9+/]+)+)+$"}}}}]`,
    ),
    async (attempt, arena) => {
      expectRefused(attempt, /LM_PLUGIN_PROTOCOL.*schema/);
      await expect.poll(() => arena.workbench.plugins.get(own("python")).state).toBe("crashed");
      expectRefused(await arena.call(own("python"), RUN.python ?? ""), /LM_PLUGIN_CRASHED/);
    },
  ),
  started(
    "[PL15] gives a schema that refers to itself, and to the network",
    tools(`[{"name": "attack", "inputSchema": {"$ref": "http://127.0.0.1:1/schema.json"}}]`),
    refuses(/LM_PLUGIN_PROTOCOL.*schema/),
  ),
  started(
    "[PL14] promises a result and gives another",
    tools(
      `[{"name": "attack", "inputSchema": {"type": "object"}, "outputSchema": {"type": "object", "required": ["promised"]}}]`,
    ),
    refuses(/LM_PLUGIN_OUTPUT_INVALID/),
  ),
];

export const protocol: Attack[] = [...MESSAGES, ...PLANE, ...STARTS];
