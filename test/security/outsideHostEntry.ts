import { systemClock } from "../../core/base/index.ts";
import { createOutsideRunner } from "../../core/plugins/sandbox/outsideRunner.ts";
import type { SandboxSpec } from "../../core/plugins/sandbox/sandbox.ts";
import { silentLogger } from "../../core/testing/index.ts";
import { finish } from "./sandboxHarness.ts";

// A host of its own that is not root. Argument: the spec as JSON. A byte on its standard input kills what it started.
const spec = JSON.parse(process.argv[2] ?? "") as SandboxSpec;
const runner = createOutsideRunner({ logger: silentLogger, clock: systemClock, nodePath: process.execPath });
const started = await runner.launch(spec);
process.stdout.write(`launched ${started.pid}\n`);
process.stdin.once("data", () => started.kill());
const { stdout, stderr, exit } = await finish(started);
process.stdout.write(`${JSON.stringify({ stdout, stderr, exit })}\n`);
process.exit(0);
