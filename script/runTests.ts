// Runs the steps of script/test one after the other, keeps going after a failure, and closes with `N passed, N failed`.
import { spawn } from "node:child_process";
import { mkdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";

const ROOT = join(import.meta.dirname, "..");
const OUT = join(ROOT, "test-results");

interface Outcome {
  passed: number;
  failed: number;
  skipped: number;
}

interface Step {
  name: string;
  run: () => Promise<Outcome>;
}

/** The parts of Vitest's JSON report that are read here. */
interface VitestReport {
  numPassedTests: number;
  numFailedTests: number;
  numPendingTests: number;
  numTodoTests: number;
  numFailedTestSuites: number;
  testResults: { name: string; assertionResults: { status: string; fullName: string }[] }[];
}

const { values } = parseArgs({ options: { only: { type: "string" }, long: { type: "boolean", default: false } } });
if (values.long) process.env.LOGOMESH_TEST_LONG = "1";

const STEPS: Step[] = [
  command("sources", ["node", "script/checkSources.ts"]),
  command("generated", ["node", "script/generate.ts", "--check"]),
  command("types", ["tsc", "--noEmit"]),
  command("lint", ["npm", "run", "--silent", "lint"]),
  command("format", ["npm", "run", "--silent", "format:check"]),
  command("unused", ["knip"]),
  vitest("unit", ["--project", "unit", "--project", "integration", "--project", "security", "--coverage"]),
  vitest("web", ["--project", "web"]),
  vitest("crash", ["--project", "crash"]),
  vitest("e2e", ["--project", "e2e"]),
];

function command(name: string, argv: string[]): Step {
  return {
    name,
    run: async () => {
      const code = await execute(argv);
      return { passed: code === 0 ? 1 : 0, failed: code === 0 ? 0 : 1, skipped: 0 };
    },
  };
}

function vitest(name: string, options: string[]): Step {
  const report = join(OUT, `${name}.json`);
  return {
    name,
    run: async () => {
      const code = await execute([
        "vitest",
        "run",
        ...options,
        "--reporter=default",
        "--reporter=json",
        `--outputFile.json=${report}`,
      ]);
      const outcome = readReport(report);
      // A broken file, a missed coverage threshold or a run without tests fails the step although no test failed.
      if ((code !== 0 && outcome.failed === 0) || outcome.passed + outcome.failed === 0) outcome.failed += 1;
      return outcome;
    },
  };
}

function readReport(path: string): Outcome {
  let report: VitestReport;
  try {
    report = JSON.parse(readFileSync(path, "utf8")) as VitestReport;
  } catch (error) {
    console.log(`No test report at ${path}: ${String(error)}`);
    return { passed: 0, failed: 1, skipped: 0 };
  }
  for (const file of report.testResults) {
    for (const result of file.assertionResults) {
      if (["skipped", "pending", "todo"].includes(result.status)) console.log(`not run: ${result.fullName}`);
    }
  }
  return {
    passed: report.numPassedTests,
    failed: report.numFailedTests,
    skipped: report.numPendingTests + report.numTodoTests,
  };
}

function execute(argv: string[]): Promise<number> {
  const [file = "", ...rest] = argv;
  return new Promise((resolve, reject) => {
    const child = spawn(file, rest, { cwd: ROOT, stdio: ["ignore", "inherit", "inherit"] });
    child.on("error", reject);
    child.on("close", (code) => resolve(code ?? 1));
  });
}

async function main(): Promise<void> {
  const wanted = values.only?.split(",");
  const unknown = wanted?.filter((name) => !STEPS.some((step) => step.name === name)) ?? [];
  if (unknown.length > 0) {
    console.error(`Unknown step: ${unknown.join(", ")}. There are: ${STEPS.map((step) => step.name).join(", ")}`);
    process.exit(2);
  }
  rmSync(OUT, { recursive: true, force: true });
  mkdirSync(OUT, { recursive: true });
  const total: Outcome = { passed: 0, failed: 0, skipped: 0 };
  const lines: string[] = [];
  for (const step of STEPS) {
    if (wanted !== undefined && !wanted.includes(step.name)) continue;
    console.log(`\n== ${step.name}`);
    const startedMs = performance.now();
    const outcome = await step.run();
    total.passed += outcome.passed;
    total.failed += outcome.failed;
    total.skipped += outcome.skipped;
    const seconds = ((performance.now() - startedMs) / 1000).toFixed(1);
    lines.push(`${outcome.failed === 0 ? "ok  " : "FAIL"} ${step.name.padEnd(10)} ${seconds} s`);
  }
  console.log(`\n${lines.join("\n")}\n`);
  const skipped = total.skipped === 0 ? "" : `, ${total.skipped} skipped`;
  console.log(`${total.passed} passed, ${total.failed} failed${skipped}`);
  process.exit(total.failed === 0 ? 0 : 1);
}

await main();
