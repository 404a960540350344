import { expect, test } from "vitest";
import { runCli, running } from "../testing/runCli.ts";
import { createStubWorkbench } from "../testing/stubWorkbench.ts";

const options = { workbenches: running(createStubWorkbench({})) };

test("decisions about steps that cannot be read are mistakes of usage, and nothing is sent", async () => {
  const output = await runCli(["runs", "resume", "run_1", "--complete-step", "3=x"], options);
  expect([output.code, output.err]).toEqual([2, expect.stringContaining("needs the step's output as JSON")]);
  const number = await runCli(["runs", "retry", "run_1", "--retry-step", "x"], options);
  expect([number.code, number.err]).toEqual([2, expect.stringContaining("begins with the number of a step, not “x”")]);
});
