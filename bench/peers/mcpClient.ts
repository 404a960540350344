// The official MCP client driving a stdio server without a sandbox. Arguments: calls, in flight, command… Prints one JSON line.
import { Client } from "@modelcontextprotocol/client";
import { StdioClientTransport } from "@modelcontextprotocol/client/stdio";

const [calls = "5000", inFlight = "32", command = "node", ...args] = process.argv.slice(2);
const client = new Client({ name: "bench", version: "1.0.0" }, { capabilities: {} });
await client.connect(new StdioClientTransport({ command, args, stderr: "ignore" }));
const call = () => client.callTool({ name: "echo", arguments: { text: "hello" } });
for (let index = 0; index < 200; index++) await call();

const latenciesMs: number[] = [];
for (let index = 0; index < 2000; index++) {
  const startedMs = performance.now();
  await call();
  latenciesMs.push(performance.now() - startedMs);
}
latenciesMs.sort((a, b) => a - b);

let left = Number(calls);
const startedMs = performance.now();
await Promise.all(
  Array.from({ length: Number(inFlight) }, async () => {
    while (left-- > 0) await call();
  }),
);
const callsPerSecond = (Number(calls) * 1000) / (performance.now() - startedMs);
console.log(JSON.stringify({ p50Ms: latenciesMs[1000], p99Ms: latenciesMs[1980], callsPerSecond }));
await client.close();
