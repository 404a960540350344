import { readFileSync } from "node:fs";
import { join } from "node:path";
import { ERROR_CATALOGUE, isErrorCode, type ErrorDefinition } from "@logomesh/contracts";
import { expect, test } from "vitest";
import { ROOT, listSources } from "./importGraph.ts";

test("docs/errors.md lists exactly the codes of the catalogue", () => {
  const page = readFileSync(join(ROOT, "docs/errors.md"), "utf8");
  const documented = [...page.matchAll(/^\| `(LM_[A-Z_]+)`/gm)].map((match) => match[1]);
  expect(documented).toEqual(Object.keys(ERROR_CATALOGUE).sort());
});

test("every code that the sources name is in the catalogue", () => {
  const unknown = listSources()
    .filter((file) => !file.startsWith("test/architecture/"))
    .flatMap((file) =>
      [...readFileSync(join(ROOT, file), "utf8").matchAll(/["'`](LM_[A-Z]+_[A-Z_]+)["'`]/g)].map((match) => ({
        file,
        code: match[1],
      })),
    )
    .filter(({ code }) => !isErrorCode(code));
  expect(unknown).toEqual([]);
});

test("every entry has an HTTP error status, a title and a sentence that helps", () => {
  for (const [code, entry] of Object.entries<ErrorDefinition>(ERROR_CATALOGUE)) {
    expect(entry.status, code).toBeGreaterThanOrEqual(400);
    expect(entry.title.length, code).toBeGreaterThan(5);
    expect(entry.help, code).toMatch(/[.?]$/);
  }
});
