import { fixtureServer } from "../../testing.ts";

/** A plugin without any library: its one tool asks the workbench whatever it is told to. */
export const ASKING = {
  "index.mjs": fixtureServer({
    tools: `[{ name: "ask", inputSchema: { type: "object" } }]`,
    preamble: `
import { Socket } from "node:net";
let plane, nextId = 1, buffered = "", lastToken;
const waiting = new Map();
function connect() {
  plane = new Socket({ fd: Number(process.env.LOGOMESH_HOST_FD) });
  plane.setEncoding("utf8").on("data", (chunk) => {
    buffered += chunk;
    const lines = buffered.split("\\n");
    buffered = lines.pop();
    for (const line of lines) { const message = JSON.parse(line); waiting.get(message.id)?.(message); }
  });
}
const modern = { "io.modelcontextprotocol/protocolVersion": "2026-07-28", "io.modelcontextprotocol/clientCapabilities": {} };
function ask(name, args, more) {
  if (!plane) connect();
  const id = nextId++;
  return new Promise((resolve) => {
    waiting.set(id, resolve);
    plane.write(JSON.stringify({ jsonrpc: "2.0", id, method: "tools/call", params: { name, arguments: args, _meta: { ...modern, ...more } } }) + "\\n");
  });
}`,
    body: `
  if (args.raw !== undefined) { if (!plane) connect(); for (let i = 0; i < (args.times ?? 1); i++) plane.write(args.raw); return text("sent"); }
  if (args.close) { if (!plane) connect(); plane.destroy(); return text("closed"); }
  const token = args.token === "none" ? {} : { "org.logomesh/call": args.token === "last" ? lastToken : meta["org.logomesh/call"] };
  lastToken = meta["org.logomesh/call"];
  const { result, error } = await ask(args.tool, args.args ?? {}, { ...token, ...args.meta });
  return { content: [], structuredContent: { result, error } };`,
  }),
};
