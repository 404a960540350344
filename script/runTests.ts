// Runs the steps of script/test one after the other, keeps going after a failure, and closes with `N passed, N failed`.
import { spawn, spawnSync } from "node:child_process";
import { chownSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";

const ROOT = join(import.meta.dirname, "..");
const OUT = join(ROOT, "test-results");

/** Of nobody in particular. */
const ORDINARY_UID = 65_533;
const SANDBOX_TESTS = [
  ...["sandbox.test", "sandboxBounds", "sandboxGrants", "sandboxKernel", "sandboxLaunch", "sandboxTraps", "outside"],
];

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
  sandboxAsUser("user"),
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

function reportOf(name: string): string {
  return join(OUT, `${name}.json`);
}

function vitest(name: string, options: string[], prefix: string[] = []): Step {
  const report = reportOf(name);
  return {
    name,
    run: async () => {
      const code = await execute([
        ...prefix,
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

/** Started by root the sandbox is set up in another way than by an ordinary user: root attacks both. */
function sandboxAsUser(name: string): Step {
  const drop = ["setpriv", "--reuid", String(ORDINARY_UID), "--regid", String(ORDINARY_UID), "--clear-groups", "--"];
  const notRun = (why: string): Outcome => {
    console.log(`not run: the sandbox as an ordinary user (${why})`);
    return { passed: 0, failed: 0, skipped: 1 };
  };
  return {
    name,
    run: async () => {
      if (process.getuid?.() !== 0) return notRun("this is one: its tests have run");
      const canRead = spawnSync("env", [...drop, "test", "-r", join(ROOT, "package.json")]).status === 0;
      if (!canRead) return notRun(`others than root cannot read ${ROOT}`);
      const home = mkdtempSync(join(tmpdir(), "logomesh-user-"));
      writeFileSync(reportOf(name), "");
      for (const path of [home, reportOf(name)]) chownSync(path, ORDINARY_UID, ORDINARY_UID);
      try {
        // The usual way to load the settings writes beside the packages, which are root's.
        const options = ["--configLoader", "native", "--project", "security", ...SANDBOX_TESTS];
        return await vitest(name, options, ["env", `HOME=${home}`, ...drop]).run();
      } finally {
        rmSync(home, { recursive: true, force: true });
      }
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
