// Runs the benchmarks named on the command line, or all, and prints a table and one JSON line each.
import { mkdirSync, readdirSync, writeFileSync } from "node:fs";
import { cpus } from "node:os";
import { join } from "node:path";
import { format, verdict, type Benchmark } from "./harness.ts";

const FOLDER = import.meta.dirname;

async function main(): Promise<void> {
  const wanted = process.argv.slice(2);
  const files = readdirSync(FOLDER)
    .filter((file) => file.endsWith(".bench.ts"))
    .sort();
  const names = files.map((file) => file.replace(".bench.ts", ""));
  const unknown = wanted.filter((name) => !names.includes(name));
  if (unknown.length > 0) {
    console.error(`No benchmark ${unknown.join(", ")}. There are: ${names.join(", ")}`);
    process.exit(2);
  }
  mkdirSync(join(FOLDER, "out"), { recursive: true });
  console.log(`Node ${process.version}, ${cpus().length} × ${cpus()[0]?.model ?? "unknown CPU"}\n`);
  for (const name of names) {
    if (wanted.length > 0 && !wanted.includes(name)) continue;
    const { benchmark } = (await import(join(FOLDER, `${name}.bench.ts`))) as { benchmark: Benchmark };
    const result = await benchmark.run();
    console.log(`${benchmark.name}: ${benchmark.about}`);
    console.log(
      `  ${Object.entries(result.parameters)
        .map(([key, value]) => `${key}=${value}`)
        .join(" ")} result=${result.resultHash}`,
    );
    console.log("  | figure | value | budget | peer |\n  | --- | --- | --- | --- |");
    for (const figure of result.figures) {
      const { budget, peer } = verdict(figure);
      console.log(`  | ${figure.name} | ${format(figure.value)} ${figure.unit} | ${budget} | ${peer} |`);
    }
    const line = JSON.stringify({ benchmark: name, node: process.version, ...result });
    console.log(`${line}\n`);
    writeFileSync(join(FOLDER, "out", `${name}.json`), `${line}\n`);
  }
}

await main();
