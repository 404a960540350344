import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { parseWorkflow } from "./index.ts";

const KIT = process.env.OWS_CTK_DIR ?? join(import.meta.dirname, "../../../../shared/ows/ctk");

interface Scenario {
  name: string;
  source: string;
}

/** The definitions of the specification's conformance kit, with the names of their scenarios. */
function scenarios(): Scenario[] {
  const pattern = /Scenario: (.+)\n\s+Given a workflow with definition:\n( *)"""yaml\n([\s\S]*?)\n *"""/g;
  return readdirSync(KIT)
    .filter((file) => file.endsWith(".feature"))
    .sort()
    .flatMap((file) =>
      [...readFileSync(join(KIT, file), "utf8").matchAll(pattern)].map(([, name = "", indent = "", source = ""]) => ({
        name,
        source: source.replaceAll(new RegExp(`^${indent}`, "gm"), ""),
      })),
    );
}

describe.skipIf(!existsSync(KIT))("the conformance kit", () => {
  test("[WL10] its 21 definitions are accepted", () => {
    const outcomes = scenarios().map(({ name, source }) => ({ name, problems: parseWorkflow(source).problems }));
    expect(outcomes).toEqual(outcomes.map(({ name }) => ({ name, problems: [] })));
    expect(outcomes).toHaveLength(21);
  });
});
