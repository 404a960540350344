import { fixtureServer } from "../../testing.ts";

/** A plugin without any library: it listens to `types` from its start, and its tool `heard` says what came. */
export function listeningPlugin(types: readonly string[]): Record<string, string> {
  return {
    "index.mjs": fixtureServer({
      tools: `[{ name: "heard" }, { name: "crash" }]`,
      preamble: `
import { Socket } from "node:net";
const heard = [];
const plane = new Socket({ fd: Number(process.env.LOGOMESH_HOST_FD) });
let buffered = "";
plane.setEncoding("utf8").on("data", (chunk) => {
  buffered += chunk;
  const lines = buffered.split("\\n");
  buffered = lines.pop();
  for (const line of lines) {
    const { method, params } = JSON.parse(line);
    if (method === "notifications/events/event") heard.push([params.event.type, params.event.data ?? null, params.dropped]);
  }
});
plane.on("error", () => undefined);
const _meta = { "io.modelcontextprotocol/protocolVersion": "2026-07-28", "io.modelcontextprotocol/clientCapabilities": {} };
const types = ${JSON.stringify(types)};
if (types.length > 0)
  plane.write(JSON.stringify({ jsonrpc: "2.0", id: 1, method: "events/listen", params: { types, _meta } }) + "\\n");`,
      body: `if (name === "crash") process.exit(3); return { ...text(""), structuredContent: { heard } };`,
    }),
  };
}
