import { LogoMeshError, PluginStateSchema, TaskStatusSchema } from "@logomesh/contracts";
import { QueryClient } from "@tanstack/react-query";
import { expect, test } from "vitest";
import { connectionLight, logLight, modelLight, sandboxLight } from "../app/lights.ts";
import { payloadOf } from "../features/audit/payloadOf.ts";
import { factsOf } from "../features/runs/taskFacts.ts";
import { statusFixture } from "../testing/fixtures.ts";
import { createLiveFeed } from "./live.ts";
import { problemOf, problemOfStored } from "./problems.ts";
import { pluginLook, taskLook } from "./status.ts";

test("no two statuses of runs and tasks look and read alike", () => {
  const looks = TaskStatusSchema.options.map(taskLook);
  expect(new Set(looks.map(({ label }) => label)).size).toBe(looks.length);
  expect(new Set(looks.map(({ icon, tone }) => `${icon} ${tone}`)).size).toBe(looks.length);
});

test("every state of a plugin has a word of its own", () => {
  const labels = PluginStateSchema.options.map((state) => pluginLook(state).label);
  expect(new Set(labels).size).toBe(labels.length);
});

test("the lights say mock, missing sandbox and a log that was changed", () => {
  const status = statusFixture();
  expect(modelLight(status).look.label).toBe("mock");
  expect(modelLight(status).detail).toContain("ollama pull");
  expect(modelLight({ ...status, model: { provider: "ollama", model: "llama3", simulated: false } }).look.label).toBe(
    "llama3",
  );
  expect(sandboxLight({ ...status, sandbox: { available: false, detail: "no bwrap" } })).toMatchObject({
    look: { tone: "bad", label: "missing" },
    detail: "no bwrap",
  });
  const verdicts = (["ok", "tampered", "incomplete", "pending"] as const).map(
    (verified) => logLight({ ...status, audit: { ...status.audit, verified } }).look.tone,
  );
  expect(verdicts).toEqual(["good", "bad", "uncertain", "neutral"]);
  expect([modelLight, sandboxLight, logLight].map((light) => light(undefined).look.label)).toEqual([
    "unknown",
    "unknown",
    "unknown",
  ]);
});

test("a lost connection says as of when the page is", () => {
  let now = 1000;
  const feed = createLiveFeed(new QueryClient(), { now: () => now, later: () => undefined });
  let changes = 0;
  const stop = feed.subscribe(() => (changes += 1));
  expect(connectionLight(feed.state()).look.label).toBe("connecting");
  feed.onConnection("open");
  now = 5000;
  feed.onConnection("lost");
  feed.onConnection("lost");
  feed.onConnection("connecting");
  feed.onConnection("lost");
  expect(feed.state()).toEqual({ connection: "lost", asOf: 5000 });
  expect(changes).toBe(4);
  expect(connectionLight(feed.state()).detail).toContain("this page shows");
  stop();
  feed.onConnection("open");
  expect(changes).toBe(4);
});

test("any failure becomes a problem with title, code and help", () => {
  expect(problemOf(new LogoMeshError("LM_NOT_FOUND", "No run x."))).toMatchObject({
    title: "Not found",
    code: "LM_NOT_FOUND",
    detail: "No run x.",
    help: expect.any(String) as string,
  });
  expect(problemOf(new TypeError("fetch failed")).code).toBe("LM_API_NO_SERVER");
  expect(problemOf("odd")).toMatchObject({ code: "LM_INTERNAL", detail: "odd" });
  expect(problemOfStored({ type: "urn:x", detail: "d" })).toEqual({
    title: "The task faulted",
    code: "urn:x",
    detail: "d",
  });
  expect(problemOfStored({ type: "urn:x", code: "LM_TIMEOUT" })).toMatchObject({
    title: "Time limit exceeded",
    code: "LM_TIMEOUT",
  });
});

test("an executor's facts get words, the rest stays as it is, the answer's entry is linked", () => {
  const details = {
    model: "mock",
    simulated: true,
    durationMs: 12,
    requestSeq: 4,
    responseSeq: 5,
    odd: 1,
    deep: { a: 1 },
    none: null,
  };
  expect(factsOf(details)).toEqual({
    known: [
      { name: "Model", value: "mock" },
      { name: "Call took", value: "12 ms" },
    ],
    rest: { odd: 1, deep: { a: 1 } },
    auditSeq: 5,
  });
  expect(factsOf({}).auditSeq).toBeUndefined();
});

test("JSON payloads become trees, all others stay text", () => {
  expect(payloadOf('{"a":1}', "application/json")).toEqual({ a: 1 });
  expect(payloadOf("{", "application/json")).toBe("{");
  expect(payloadOf("<b>", "text/plain")).toBe("<b>");
  expect(payloadOf(undefined, "text/plain")).toBeUndefined();
});
