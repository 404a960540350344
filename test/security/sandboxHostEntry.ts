import type { SandboxSpec } from "../../core/plugins/sandbox/sandbox.ts";
import { finish, sandbox } from "./sandboxHarness.ts";

// A host of its own: started by tests that kill it, run it as another user, or hand it descriptors. Argument: the spec as JSON.
const spec = JSON.parse(process.argv[2] ?? "") as SandboxSpec;
process.stdout.write("launching\n");
const started = await sandbox.launch(spec);
process.stdout.write(`launched ${started.pid}\n`);
const { stdout, stderr, exit } = await finish(started);
process.stdout.write(`${JSON.stringify({ stdout, stderr, exit })}\n`);
