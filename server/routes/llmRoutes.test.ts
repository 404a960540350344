import { LogoMeshError } from "@logomesh/contracts";
import { expect, test } from "vitest";
import { GENERATED } from "../testing/fixtures.ts";
import { bearer, createTestServer, type TestServer } from "../testing/testServer.ts";

async function stream(server: TestServer) {
  const answer = await server.app.inject({
    method: "POST",
    url: "/api/llm/generate",
    headers: { ...bearer("llm-token"), accept: "application/x-ndjson" },
    body: { prompt: "Hi" },
  });
  const lines = answer.body.split("\n").filter((line) => line !== "");
  return { answer, lines: lines.map((line) => JSON.parse(line) as unknown) };
}

test("[SV10] the stream has a line for each piece of text and the result last", async () => {
  await using server = await createTestServer();
  const { answer, lines } = await stream(server);
  expect(answer.headers["content-type"]).toBe("application/x-ndjson");
  expect(lines).toEqual([{ delta: "Hello " }, { delta: "there" }, { result: GENERATED }]);
});

test("[SV10] a model that gives no text still gives its result", async () => {
  await using server = await createTestServer();
  server.workbench.models.generate = () => Promise.resolve(GENERATED);
  expect((await stream(server)).lines).toEqual([{ result: GENERATED }]);
});

test("[SV10] a failure before the first text is an ordinary problem", async () => {
  await using server = await createTestServer();
  const error = new LogoMeshError("LM_LLM_UNREACHABLE", "Nobody answers.");
  server.workbench.models.generate = () => Promise.reject(error);
  const { answer } = await stream(server);
  expect([answer.statusCode, answer.json()]).toEqual([503, error.toProblem()]);
});

test("[SV10] a failure after the first text is the last line; what is unexpected is not told", async () => {
  await using server = await createTestServer();
  server.workbench.models.generate = (_params, { onText }) => {
    onText?.("Hel");
    return Promise.reject(new Error("secret"));
  };
  const { answer, lines } = await stream(server);
  expect(lines).toEqual([{ delta: "Hel" }, { problem: expect.objectContaining({ code: "LM_INTERNAL" }) }]);
  expect(answer.body).not.toContain("secret");
  expect(server.errors).toHaveLength(1);
});

test("[SV10] a client that leaves megabytes unread ends the call", async () => {
  await using server = await createTestServer();
  server.workbench.models.generate = (_params, { signal, onText }) => {
    for (let megabytes = 0; megabytes < 5; megabytes += 1) onText?.("x".repeat(1_048_576));
    return signal.aborted ? Promise.reject(signal.reason) : Promise.resolve(GENERATED);
  };
  const { lines } = await stream(server);
  expect(lines.at(-1)).toMatchObject({ problem: { code: "LM_CANCELLED" } });
});
