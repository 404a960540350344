import { expect, test } from "vitest";
import fc from "fast-check";
import { resolveDependencies, type DependencyNode } from "./dependencies.ts";

function node(
  id: string,
  dependencies: Record<string, string> = {},
  more: Partial<DependencyNode> = {},
): DependencyNode {
  return { id, version: "1.2.0", dependencies, ...more };
}

const problems = (nodes: DependencyNode[]) =>
  [...resolveDependencies(nodes).problems].map(([id, { message, data }]) => [id, data?.kind, message]);

test("[PL63] each plugin comes behind what it needs, by name where either order would do", () => {
  const nodes = [node("a.z", { "a.m": "^1.0.0" }), node("a.m", { "a.b": ">=1 <2" }), node("a.c"), node("a.b")];
  expect(resolveDependencies(nodes)).toEqual({ order: ["a.b", "a.c", "a.m", "a.z"], problems: new Map() });
});

test("[PL64] a dependency that is missing, of another version or disabled is named with what is there", () => {
  expect(
    problems([
      node("a.a", { "a.gone": "^1.0.0" }),
      node("a.b", { "a.old": "^2.0.0" }),
      node("a.c", { "a.old": "^1.0.0" }),
      node("a.d", { "a.off": "*" }),
      node("a.old"),
      node("a.off", {}, { unusable: { kind: "disabled", words: "is disabled. Enable it." } }),
    ]),
  ).toEqual([
    ["a.a", "missing", expect.stringMatching(/^a.a needs a.gone \^1.0.0, which is not installed/)],
    [
      "a.b",
      "conflict",
      expect.stringMatching(/^a.b needs a.old \^2.0.0, and 1.2.0 is installed \(a.c needs \^1.0.0\)/),
    ],
    ["a.d", "disabled", expect.stringMatching(/which is disabled. Enable it./)],
  ]);
});

test("[PL64] a circle is named whole, and what needs one of its plugins is blocked with the cause", () => {
  expect(problems([node("a.a", { "a.b": "*" }), node("a.b", { "a.a": "*" }), node("a.z", { "a.a": "*" })])).toEqual([
    ["a.b", "cycle", expect.stringMatching(/a.a → a.b → a.a/)],
    ["a.a", "blocked", expect.stringMatching(/^a.a needs a.b \*, which cannot run: These plugins need each other/)],
    ["a.z", "blocked", expect.stringMatching(/a.a → a.b → a.a/)],
  ]);
  expect(problems([node("a.a", { "a.a": "*" })])).toEqual([["a.a", "cycle", expect.stringMatching(/a.a → a.a/)]]);
});

test("[PL63] whatever needs what, nothing that may run comes before its dependency or lacks one", () => {
  const ids = ["a.a", "a.b", "a.c", "a.d", "a.e", "a.f"];
  const edges = fc.dictionary(fc.constantFrom(...ids), fc.constantFrom("*", "^1.0.0", "^2.0.0"), { maxKeys: 3 });
  fc.assert(
    fc.property(fc.tuple(...ids.map(() => edges)), (all) => {
      const nodes = ids.map((id, index) => node(id, all[index]));
      const { order, problems: found } = resolveDependencies(nodes);
      expect([...order, ...found.keys()].sort()).toEqual(ids);
      for (const [place, id] of order.entries())
        for (const needed of Object.keys(nodes[ids.indexOf(id)]!.dependencies))
          expect(order.slice(0, place)).toContain(needed);
    }),
    { seed: 3 },
  );
});
