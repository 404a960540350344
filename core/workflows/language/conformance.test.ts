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

/** What is refused, and why; everything else of the kit is accepted. */
const REFUSED: Record<string, string> = {
  "Call HTTP Using Basic Authentication":
    "13:11 /do/0/login/with/endpoint/authentication authentication of HTTP calls is not supported yet",
  "Call OpenAPI With Content Output":
    "8:7 /do/0/findPet/call “call: openapi” is not supported yet; supported are http, llm, plugin, thought.create",
  "Call OpenAPI With Response Output":
    "8:7 /do/0/getPet/call “call: openapi” is not supported yet; supported are http, llm, plugin, thought.create",
  "Emit Task": "8:7 /do/0/emitEvent/emit “emit” tasks are not supported yet",
};

describe.skipIf(!existsSync(KIT))("the conformance kit", () => {
  test("[WL10] 17 of its 21 definitions are accepted, the others refused with the place of what is not supported", () => {
    const outcomes = scenarios().map(({ name, source }) => {
      const { definition, problems } = parseWorkflow(source);
      return {
        name,
        accepted: definition !== undefined,
        problems: problems.map(({ line, column, pointer, message }) => `${line}:${column} ${pointer} ${message}`),
      };
    });
    expect(outcomes).toEqual(
      outcomes.map(({ name }) => ({
        name,
        accepted: REFUSED[name] === undefined,
        problems: REFUSED[name] === undefined ? [] : [REFUSED[name]],
      })),
    );
    expect(outcomes).toHaveLength(21);
    expect(outcomes.filter(({ accepted }) => accepted)).toHaveLength(17);
  });
});
