import { describe, expect, test } from "vitest";
import type { Knowledge } from "./grammar.ts";
import { describeKey, suggest } from "./suggest.ts";

const KNOWLEDGE: Knowledge = {
  plugins: [
    {
      id: "org.logomesh.text-tools",
      name: "Text tools",
      tools: [
        {
          name: "keywords",
          description: "The most telling words",
          inputSchema: {
            type: "object",
            properties: {
              text: { type: "string", description: "What is read" },
              limit: { type: "integer" },
              mode: { enum: ["fast", "true", "a\nb: c"] },
              "odd: key\nnext": {},
            },
          },
        },
      ],
    },
    { id: "org.example.other", name: "Other", tools: [] },
  ],
  models: [{ name: "default", detail: "mock" }],
  workflows: [{ namespace: "default", name: "reading-digest", versions: ["1.0.0"] }],
};

/** The caret is where `|` stands; the answer is the labels. */
function labels(text: string): string[] | undefined {
  const caret = text.indexOf("|");
  return suggest(text.replace("|", ""), caret, KNOWLEDGE)?.proposals.map(({ label }) => label);
}

const HEAD = "document:\n  dsl: 1.0.3\n";
const body = (lines: string): string => `${HEAD}do:\n${lines}`;

describe("keys", () => {
  test("of the document are those that it does not have yet", () => {
    expect(labels(`${HEAD}|`)).toEqual(["input", "use", "do", "timeout", "output", "schedule", "evaluate", "metadata"]);
    expect(labels("document:\n  dsl: 1.0.3\n  na|")).toContain("namespace");
  });

  test("of a task without type are all types, of one with a type those that go with it", () => {
    expect(labels(body("  - greet:\n      |"))).toEqual(
      expect.arrayContaining(["set", "call", "listen", "if", "then"]),
    );
    const call = labels(body("  - greet:\n      call: llm\n      |"));
    expect(call).toContain("with");
    expect(call).not.toContain("set");
    expect(call).not.toContain("call");
    expect(labels(body("  - each:\n      for: { in: .a }\n      do: []\n      w|"))).toContain("while");
  });

  test("stand in mappings on one line too, and before other keys", () => {
    expect(labels(body("  - each:\n      for: { in: .a, | }"))).toEqual(["each", "at"]);
    expect(labels(body("  - greet:\n      |\n      then: end"))).toContain("call");
  });

  test("of arguments follow what is called", () => {
    expect(labels(body("  - a:\n      call: llm\n      with:\n        p|"))).toContain("prompt");
    expect(labels(body("  - a:\n      call: http\n      with:\n        |"))).toContain("endpoint");
    const own = `use:\n  functions:\n    shorten:\n      call: plugin\n${body("  - a:\n      call: shorten\n      with:\n        |")}`;
    expect(labels(own)).toEqual(["plugin", "tool", "arguments"]);
  });

  test("of a tool's arguments come from its schema, and what a plugin calls them breaks no line", () => {
    const text = body(
      "  - a:\n      call: plugin\n      with:\n        plugin: org.logomesh.text-tools\n        tool: keywords\n        arguments:\n          ",
    );
    const found = suggest(text, text.length, KNOWLEDGE);
    expect(found?.proposals.map(({ text: written }) => written)).toEqual([
      "text: ",
      "limit: ",
      "mode: ",
      '"odd: key\\nnext": ',
    ]);
    const values = suggest(`${text}mode: `, text.length + 6, KNOWLEDGE);
    expect(values?.proposals.map(({ text: written }) => written)).toEqual(["fast", '"true"', '"a\\nb: c"']);
  });

  test("of a list of tasks are whole tasks", () => {
    expect(labels(body("  - |"))).toContain("ask");
    expect(labels(body("  - a:\n      set: { b: 1 }\n  - |"))).toContain("ask");
  });
});

describe("values", () => {
  test("of `call` are the functions of the workbench and the document's own", () => {
    const text = `use:\n  functions:\n    shorten: { call: llm }\n${body("  - a:\n      call: |")}`;
    expect(labels(text)).toEqual(["llm", "plugin", "http", "openapi", "thought.create", "shorten"]);
  });

  test("are plugins that may be called, their tools, and models", () => {
    expect(labels(body("  - a:\n      call: plugin\n      with:\n        plugin: org.|"))).toEqual([
      "org.logomesh.text-tools",
      "org.example.other",
    ]);
    expect(
      labels(body("  - a:\n      call: plugin\n      with: { plugin: org.logomesh.text-tools, tool: | }")),
    ).toEqual(["keywords"]);
    expect(labels(body("  - a: { call: llm, with: { model: | } }"))).toEqual(["default"]);
  });

  test("of `then` are directives and the tasks of the same list, also from a case and a catch", () => {
    const inner = "  - one:\n      do:\n        - two: { set: { a: 1 } }\n        - three:\n            then: |";
    expect(labels(body(inner))).toEqual(["continue", "exit", "end", "two", "three"]);
    expect(
      labels(body("  - pick:\n      switch:\n        - yes: { when: .a, then: | }\n  - last: { set: {} }")),
    ).toEqual(["continue", "exit", "end", "pick", "last"]);
    expect(labels(body("  - t:\n      try: []\n      catch:\n        then: |"))).toEqual([
      "continue",
      "exit",
      "end",
      "t",
    ]);
  });

  test("of shared parts are their names", () => {
    const text = `use:\n  retries:\n    patient: {}\n${body("  - t:\n      try: []\n      catch:\n        retry: |")}`;
    expect(labels(text)).toEqual(["patient"]);
  });
});

describe("nothing is proposed", () => {
  test.each([
    ["in a remark", `${HEAD}# wh|`],
    ["in a free text", body('  - a: { call: llm, with: { prompt: "Say he|" } }')],
    ["under a key of one's own", body("  - a: { set: { x: | } }")],
    ["in a text far too long", `|${"#".repeat(200_001)}`],
  ])("%s", (_, text) => {
    expect(labels(text)).toBeUndefined();
  });

  test.each(["a: *nowhere\n|", "&a [*a, *a]: |\n", "- [\n|", "?? : {\n|", "\u0000|", "do: |\n  - !!js/x y"])(
    "and nothing breaks in %j",
    (text) => {
      expect(() => labels(text)).not.toThrow();
    },
  );
});

test("expressions get variables and words of jq, and nothing after a dot", () => {
  expect(labels(body("  - a: { set: { x: '${ $con|'"))).toContain("$context");
  expect(labels(body("  - a: { set: { x: '${ .items | ma|'".replace(" | ma", " ; ma")))).toContain("map");
  expect(labels(body("  - a: { set: { x: '${ .ma|'"))).toBeUndefined();
  expect(labels(body("  - a:\n      then: |"))).not.toContain("map");
});

test("a key says what it means, a name of one's own nothing", () => {
  const text = body("  - greet:\n      wait: PT5S\n      timeout: { after: PT1M }");
  expect(describeKey(text, text.indexOf("wait") + 1, KNOWLEDGE)?.doc).toContain("over a restart");
  expect(describeKey(text, text.indexOf("after") + 1, KNOWLEDGE)?.key).toBe("after");
  expect(describeKey(text, text.indexOf("greet") + 1, KNOWLEDGE)).toBeUndefined();
});
