import { Readable } from "node:stream";
import { LogoMeshError, type Plugin, type Token } from "@logomesh/contracts";
import { numberOption, textOption, textOptions } from "../arguments.ts";
import { connect } from "../connect.ts";
import { UsageError, type CliContext, type Command, type CommandArguments, type Connection } from "../context.ts";
import { BridgedWorkbench } from "../mcp/bridgedWorkbench.ts";
import { OwnToken } from "../mcp/ownToken.ts";
import { bridgeStdio } from "../mcp/stdioBridge.ts";
import { visibleLine } from "../output/text.ts";

/** Of the token that a bridge makes for itself: the least there is. It is revoked when the client leaves; a bridge that is killed leaves it so long. */
const OWN_TOKEN_DAYS = 1;
const NAME_DEFAULT = "mcp stdio";

const tool = {
  type: "string",
  multiple: true,
  help: "a plugin tool that the client may call, as <plugin>#<tool>; without, it calls none",
} as const;

const serve: Command = {
  usage: "[--tool <plugin>#<tool>]… [--name <name>]",
  summary: "Serve a client of the Model Context Protocol on standard input and output",
  options: { tool, name: { type: "string", help: `what the log calls the client (default ${NAME_DEFAULT})` } },
  examples: ["logomesh mcp --name desk --tool org.logomesh.text-tools#slugify", "LOGOMESH_MCP_TOKEN=lm_… logomesh mcp"],
  async run(args, context) {
    const given = context.env.LOGOMESH_MCP_TOKEN ?? "";
    if (given !== "" && textOptions(args, "tool").length > 0)
      throw new UsageError("--tool makes a token for the client, and LOGOMESH_MCP_TOKEN gives one: use one of them");
    await using workbench = new BridgedWorkbench(context);
    await using own = given === "" ? await ownToken(args, { workbench, context }) : undefined;
    const stop = new AbortController();
    const failed = workbench.failed().then((error) => {
      stop.abort();
      return error;
    });
    try {
      await bridgeStdio({
        input: context.input,
        write: context.print,
        signal: AbortSignal.any([context.signal, stop.signal]),
        send: (body, { headers, signal }) =>
          workbench.post({
            ...{ method: "POST", body, signal },
            headers: {
              ...{
                authorization: `Bearer ${own?.value ?? given}`,
                accept: "application/json, text/event-stream",
                "content-type": "application/json",
              },
              ...headers,
            },
          }),
      });
    } finally {
      // After a signal it is still open, and would keep the process alive.
      if (context.input instanceof Readable) context.input.destroy();
    }
    if (stop.signal.aborted) throw await failed;
    return 0;
  },
};

function ownToken(
  args: CommandArguments,
  { workbench, context }: { workbench: BridgedWorkbench; context: CliContext },
): Promise<OwnToken> {
  return OwnToken.make({
    create: async () => makeToken(args, await workbench.connection()),
    revoke: async (id) => {
      const { client } = await workbench.connection();
      await client.deleteToken({ params: { id } });
    },
    note: (text) => context.note(visibleLine(text)),
  });
}

async function makeToken(args: CommandArguments, { client }: Connection): Promise<Token & { token: string }> {
  const tools = await knownTools(textOptions(args, "tool"), client);
  return client.createToken({
    body: { name: textOption(args, "name") ?? NAME_DEFAULT, scopes: ["mcp"], tools, expiresInDays: OWN_TOKEN_DAYS },
  });
}

/** @throws LogoMeshError LM_INPUT_INVALID for what no installed plugin has: a mistake would else show as a missing tool only */
async function knownTools(tools: string[], client: Connection["client"]): Promise<string[]> {
  if (tools.length === 0) return tools;
  const { items } = await client.listPlugins();
  for (const reference of tools) assertKnown(reference, items);
  return tools;
}

function assertKnown(reference: string, plugins: readonly Plugin[]): void {
  const [, pluginId, name] = /^([^#\s]+)#([^#\s]+)$/.exec(reference) ?? [];
  if (pluginId === undefined) throw new UsageError(`--tool is <plugin>#<tool>, not “${reference}”`);
  const plugin = plugins.find(({ id }) => id === pluginId);
  if (plugin === undefined) {
    const known = plugins.map(({ id }) => id).join(", ") || "none";
    throw new LogoMeshError("LM_INPUT_INVALID", `There is no plugin ${pluginId}. Installed: ${known}.`);
  }
  const names = plugin.tools.map((known) => known.name);
  // Of a plugin that never ran, only the tools that its manifest names are known.
  if (names.length > 0 && !names.includes(name ?? ""))
    throw new LogoMeshError("LM_INPUT_INVALID", `${pluginId} has no tool ${name}; it has ${names.join(", ")}.`);
}

const addToken: Command = {
  usage: "<name> [--tool <plugin>#<tool>]… [--days <n>]",
  summary: "Make a token for a client of the Model Context Protocol; it is shown once",
  positionals: { min: 1, max: 1 },
  options: { tool, days: { type: "string", help: "how long it lasts (default: until it is revoked)" } },
  examples: ["logomesh mcp token add desk --tool org.logomesh.text-tools#slugify --days 90"],
  async run(args, context) {
    const { client, url } = await connect(context);
    const days = numberOption(args, "days", { min: 1, max: 3650 });
    const tools = await knownTools(textOptions(args, "tool"), client);
    const created = await client.createToken({
      body: {
        ...{ name: args.positionals[0] ?? "", scopes: ["mcp"], tools },
        ...(days === undefined ? {} : { expiresInDays: days }),
      },
    });
    if (args.json) {
      context.printJson({ ...created, url: `${url}/mcp` });
      return 0;
    }
    context.print(created.token);
    context.note(`For ${url}/mcp, as the header: Authorization: Bearer <token>. It is not shown again.`);
    context.note(`Take it back with: logomesh token revoke ${created.id}`);
    return 0;
  },
};

export const mcpCommands = { mcp: serve, "mcp token add": addToken };
