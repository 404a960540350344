import type { PluginRuntime } from "@logomesh/contracts";

/** Runs test files that lie in a bundle, as its entry point. */
export interface TestRunner {
  /** Its own name in the bundle. */
  file: string;
  /** Which files are tests. */
  tests: RegExp;
  /** A name that would be one. */
  example: string;
  source: (files: readonly string[]) => string;
}

/** In one process, because descriptor 3 is open in one. A process that ends before the last test has not passed. */
const NODE = (files: readonly string[]): string => `import { run } from "node:test";
import { spec } from "node:test/reporters";
const folder = process.env.LOGOMESH_BUNDLE ?? "/plugin";
let verdict = 1;
process.on("exit", () => (process.exitCode = verdict));
const files = ${JSON.stringify(files)}.map((file) => folder + "/" + file);
const stream = run({ files, isolation: "none" });
let passed = 0;
let failed = 0;
stream.on("test:pass", ({ name, details, skip, todo }) => {
  // A file without any is one that passes, under its own name.
  const isTest = details.type !== "suite" && !files.includes(name);
  if (isTest && skip === undefined && todo === undefined) passed += 1;
});
stream.on("test:fail", ({ todo }) => {
  if (todo === undefined) failed += 1;
});
const output = stream.compose(new spec());
output.pipe(process.stdout, { end: false });
output.on("end", () => {
  if (passed + failed === 0) console.error("No test ran: the files have none.");
  verdict = failed === 0 && passed > 0 ? 0 : 1;
  process.stdout.write("", () => process.exit(verdict));
});
`;

const PYTHON = (files: readonly string[]): string => `import os, sys, unittest
names = ${JSON.stringify(files.map((file) => file.replace(/\.py$/, "").replaceAll("/", ".")))}
result = unittest.main(module=None, argv=["tests", "--verbose", *names], exit=False).result
ran = result.testsRun - len(result.skipped)
if ran == 0:
    print("No test ran: the files have none.", file=sys.stderr)
sys.stdout.flush()
sys.stderr.flush()
# Not sys.exit: it would wait for threads that a test left.
os._exit(0 if result.wasSuccessful() and ran > 0 else 1)
`;

const SHELL = (files: readonly string[]): string => `#!/bin/bash
failed=0
cd "\${LOGOMESH_BUNDLE:-/plugin}"
for file in ${files.map((file) => `'${file.replaceAll("'", "'\\''")}'`).join(" ")}; do
  if bash --noprofile --norc "./$file"; then echo "ok $file"; else echo "not ok $file (exit code $?)"; failed=1; fi
done
exit $failed
`;

export const TEST_RUNNERS: Readonly<Record<PluginRuntime, TestRunner>> = {
  nodejs: {
    ...{ file: "logomesh-tests.ts", tests: /\.test\.(ts|mts|js|mjs)$/, example: "greet.test.ts", source: NODE },
  },
  python: { file: "logomesh_tests.py", tests: /(^|\/)test_\w+\.py$/, example: "test_main.py", source: PYTHON },
  shell: {
    ...{ file: "logomesh-tests.sh", tests: /(^|\/)test_[\w-]+(\.sh)?$/, example: "tools.test.yaml", source: SHELL },
  },
};

/** Cases without code, for a plugin of any runtime. */
export const CASE_FILES = /\.test\.(yaml|yml|json)$/;
