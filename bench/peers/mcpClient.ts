// The official MCP client driving a stdio server without a sandbox. Arguments: calls, in flight, samples, bytes of text, command… Prints one
// JSON line.
import { Client } from "@modelcontextprotocol/client";
import { StdioClientTransport } from "@modelcontextprotocol/client/stdio";

const [calls = "5000", inFlight = "32", samples = "2000", textBytes = "5", command = "node", ...args] =
  process.argv.slice(2);
const text = "x".repeat(Number(textBytes));
const client = new Client({ name: "bench", version: "1.0.0" }, { capabilities: {} });
await client.connect(new StdioClientTransport({ command, args, stderr: "ignore" }));
const call = () => client.callTool({ name: "echo", arguments: { text } });
for (let index = 0; index < Math.min(200, Number(samples)); index++) await call();

const latenciesMs: number[] = [];
for (let index = 0; index < Number(samples); index++) {
  const startedMs = performance.now();
  await call();
  latenciesMs.push(performance.now() - startedMs);
}
latenciesMs.sort((a, b) => a - b);
const at = (q: number) => latenciesMs[Math.floor(latenciesMs.length * q)];

let left = Number(calls);
const startedMs = performance.now();
await Promise.all(
  Array.from({ length: Number(inFlight) }, async () => {
    while (left-- > 0) await call();
  }),
);
const callsPerSecond = (Number(calls) * 1000) / (performance.now() - startedMs);
console.log(JSON.stringify({ p50Ms: at(0.5), p99Ms: at(0.99), callsPerSecond }));
await client.close();
