import { defineConfig } from "vitest/config";

/** Worker and process entries of at most 15 lines: they run outside the coverage probe, their logic is tested in process. */
const ENTRIES = [
  "core/app/writerEntry.ts",
  "core/app/readerEntry.ts",
  "core/app/jobEntry.ts",
  "core/workflows/expressions/jqWorkerEntry.ts",
];

export default defineConfig({
  test: {
    pool: "forks",
    // By default a machine of two cores has one worker, and waits most of the time.
    maxWorkers: 2,
    testTimeout: 30_000,
    hookTimeout: 60_000,
    coverage: {
      provider: "v8",
      include: ["contracts/**/*.ts", "core/**/*.ts", "server/**/*.ts", "cli/**/*.ts"],
      exclude: [
        "**/*.test.ts",
        "**/*.suite.ts",
        "core/testing/**",
        "**/testing/**",
        "**/testing*.ts",
        "**/index.ts",
        ...ENTRIES,
      ],
      reporter: ["text-summary", "json-summary"],
      // The floor of each file is low, so that good average cover cannot hide a file that no test runs.
      thresholds: { lines: 90, branches: 90, perFile: { lines: 60 } },
    },
    projects: [
      {
        test: {
          name: "unit",
          include: ["{contracts,core,server,cli,plugins}/**/*.test.ts"],
          // The tests of a sample are run by `plugin test`, as its authors do.
          exclude: ["plugins/text-tools/**", "**/*.integration.test.ts", "**/node_modules/**", "**/dist/**"],
        },
      },
      {
        test: {
          name: "integration",
          include: [
            "{contracts,core,server,cli,plugins}/**/*.integration.test.ts",
            "test/architecture/**/*.test.ts",
            "test/pins/**/*.test.ts",
          ],
          exclude: ["**/node_modules/**"],
        },
      },
      { test: { name: "security", include: ["test/security/**/*.test.ts"], fileParallelism: false } },
      { test: { name: "crash", include: ["test/crash/**/*.test.ts"], fileParallelism: false, testTimeout: 300_000 } },
      { test: { name: "e2e", include: ["test/e2e/**/*.test.ts"], fileParallelism: false, testTimeout: 120_000 } },
      {
        test: {
          name: "web",
          include: ["web/**/*.test.{ts,tsx}"],
          environment: "jsdom",
          exclude: ["**/node_modules/**"],
        },
      },
    ],
  },
});
