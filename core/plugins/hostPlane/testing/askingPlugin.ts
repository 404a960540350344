import { fixtureServer } from "../../testing.ts";

/** JavaScript of a plugin that asks the workbench over descriptor 3: `connect()` gives the socket, `request(method, params)` an answer. */
export const HOST_CLIENT = `
import { Socket } from "node:net";
let plane, nextId = 1, buffered = "";
const waiting = new Map();
function connect() {
  if (plane) return plane;
  plane = new Socket({ fd: Number(process.env.LOGOMESH_HOST_FD) });
  plane.setEncoding("utf8").on("data", (chunk) => {
    buffered += chunk;
    const lines = buffered.split("\\n");
    buffered = lines.pop();
    for (const line of lines) { const message = JSON.parse(line); waiting.get(message.id)?.(message); }
  });
  return plane;
}
const modern = { "io.modelcontextprotocol/protocolVersion": "2026-07-28", "io.modelcontextprotocol/clientCapabilities": {} };
function request(method, params) {
  const id = nextId++;
  return new Promise((resolve) => {
    waiting.set(id, resolve);
    connect().write(JSON.stringify({ jsonrpc: "2.0", id, method, params: { ...params, _meta: { ...modern, ...params._meta } } }) + "\\n");
  });
}`;

/** A plugin without any library: its one tool asks the workbench whatever it is told to. */
export const ASKING = {
  "index.mjs": fixtureServer({
    tools: `[{ name: "ask", inputSchema: { type: "object" } }]`,
    preamble: `${HOST_CLIENT}\nlet lastToken;`,
    body: `
  if (args.raw !== undefined) { for (let i = 0; i < (args.times ?? 1); i++) connect().write(args.raw); return text("sent"); }
  if (args.close) { connect().destroy(); return text("closed"); }
  const token = args.token === "none" ? {} : { "org.logomesh/call": args.token === "last" ? lastToken : meta["org.logomesh/call"] };
  lastToken = meta["org.logomesh/call"];
  const { result, error } = await request("tools/call", { name: args.tool, arguments: args.args ?? {}, _meta: { ...token, ...args.meta } });
  return { content: [], structuredContent: { result, error } };`,
  }),
};
