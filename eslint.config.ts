import eslint from "@eslint/js";
import reactHooks from "eslint-plugin-react-hooks";
import { defineConfig } from "eslint/config";
import type { Linter } from "eslint";
import tseslint from "typescript-eslint";

/** Features meet through ports only; the whole table of directions is test/architecture/imports.test.ts. */
const FEATURES = ["plugins", "llm", "thoughts", "workflows", "devshell"];

function refuseImports(files: string[], group: string[], message: string): Linter.Config {
  return { files, rules: { "no-restricted-imports": ["error", { patterns: [{ group, message }] }] } };
}

export default defineConfig(
  { ignores: ["**/node_modules/", "**/dist/", "coverage/", "bench/peers/", "workspace/"] },
  {
    files: ["**/*.ts", "**/*.tsx"],
    extends: [eslint.configs.recommended, tseslint.configs.strictTypeChecked],
    languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } },
    linterOptions: { reportUnusedDisableDirectives: "error" },
    rules: {
      "@typescript-eslint/restrict-template-expressions": ["error", { allowNumber: true, allowBoolean: true }],
      "@typescript-eslint/no-confusing-void-expression": "off",
      "@typescript-eslint/consistent-type-definitions": "off",
      "@typescript-eslint/switch-exhaustiveness-check": "error",
      "@typescript-eslint/no-non-null-assertion": "error",
      "@typescript-eslint/prefer-promise-reject-errors": "off",
      "@typescript-eslint/only-throw-error": "off",
      eqeqeq: "error",
      "no-console": "error",
      // `using _lock = …` owns a resource that is never named again.
      "@typescript-eslint/no-unused-vars": [
        "error",
        { varsIgnorePattern: "^_", argsIgnorePattern: "^_", ignoreUsingDeclarations: true },
      ],
    },
  },
  {
    files: ["**/*.test.ts", "**/*.test.tsx", "**/*.suite.ts", "**/testing/**/*.ts", "**/testing/**/*.tsx"],
    rules: {
      "@typescript-eslint/no-non-null-assertion": "off",
      "@typescript-eslint/no-unsafe-assignment": "off",
      "@typescript-eslint/require-await": "off",
      "@typescript-eslint/unbound-method": "off",
    },
  },
  { files: ["cli/**/*.ts", "script/**/*.ts", "bench/**/*.ts", "test/crash/**/*.ts"], rules: { "no-console": "off" } },
  {
    // What authors copy: tests as node:test documents them.
    files: ["templates/plugins/**/*.test.ts", "plugins/text-tools/*.test.ts"],
    rules: {
      "@typescript-eslint/no-floating-promises": [
        "error",
        { allowForKnownSafeCalls: [{ from: "package", package: "node:test", name: "test" }] },
      ],
    },
  },
  {
    files: ["web/**/*.tsx", "web/**/*.ts"],
    extends: [reactHooks.configs.flat["recommended-latest"]],
    // The compiler's analysis does not cover the list virtualizer; its functions are never passed on.
    rules: { "react-hooks/incompatible-library": "off" },
  },
  refuseImports(
    ["contracts/**/*.ts"],
    ["node:*", "@logomesh/*", "**/core/**", "**/server/**"],
    "contracts run in the browser and import nothing of ours",
  ),
  refuseImports(
    ["web/app/**", "web/features/**", "web/components/**", "web/lib/**"],
    ["node:*", "@logomesh/core*", "@logomesh/server*", "**/core/**", "**/server/**"],
    "web imports contracts only",
  ),
  refuseImports(
    ["server/**/*.ts"],
    ["@logomesh/core/*", "**/core/**", "**/cli/**", "**/web/**"],
    "server enters core by its door",
  ),
  ...FEATURES.map((feature) =>
    refuseImports(
      [`core/${feature}/**/*.ts`],
      [
        ...FEATURES.filter((other) => other !== feature).map((other) => `**/${other}/**`),
        "**/app/**",
        "@logomesh/server*",
      ],
      "features never import each other: ask a port",
    ),
  ),
);
