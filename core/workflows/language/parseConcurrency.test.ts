import { expect, test } from "vitest";
import { parseWorkflow } from "./index.ts";

function parse(concurrency: string): ReturnType<typeof parseWorkflow> {
  return parseWorkflow(`document:
  dsl: "1.0.3"
  namespace: default
  name: test
  version: "1.0.0"
  metadata:
    logomesh:
      concurrency: ${concurrency}
do: [ { a: { set: { a: 1 } } } ]`);
}

test("[WF310] a number, or runs with a key, is how many runs go on at once", () => {
  expect(parse("3").definition?.concurrency).toEqual({ runs: 3 });
  expect(parse('{ runs: 1, key: "${ .customer }" }').definition?.concurrency).toMatchObject({
    ...{ runs: 1, key: { kind: "expression" } },
  });
});

test.each([
  ["0", "/document/metadata/logomesh/concurrency", "give how many runs"],
  ["1001", "/document/metadata/logomesh/concurrency", "from 1 to 1000"],
  ["{ key: .a }", "/document/metadata/logomesh/concurrency/runs", "give how many runs"],
  ["{ runs: 1, keys: .a }", "/document/metadata/logomesh/concurrency/keys", "did you mean “key”?"],
  ['{ runs: 1, key: "${ .a | }" }', "/document/metadata/logomesh/concurrency/key", "does not compile"],
])("[WF310] concurrency %s is refused at its place", (concurrency, pointer, message) => {
  expect(parse(concurrency).problems).toEqual([
    expect.objectContaining({ pointer, message: expect.stringContaining(message), line: 8 }),
  ]);
});
