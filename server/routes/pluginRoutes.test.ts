import { LogoMeshError, type CallToolResult } from "@logomesh/contracts";
import { expect, test } from "vitest";
import { PLUGIN } from "../testing/fixtures.ts";
import { bearer, createTestServer, type TestServer } from "../testing/testServer.ts";

const RESULT: CallToolResult = { content: [{ type: "text", text: "done" }], isError: false, durationMs: 1 };

async function call(server: TestServer, accept: string) {
  const answer = await server.app.inject({
    method: "POST",
    url: `/api/plugins/${PLUGIN.id}/tools/count`,
    headers: { ...bearer("run-token"), accept },
    body: { arguments: {} },
  });
  return {
    answer,
    lines: () =>
      answer.body
        .split("\n")
        .filter(Boolean)
        .map((line) => JSON.parse(line) as unknown),
  };
}

test("[SV10] a call that is streamed tells its progress, then its result; any other the result alone", async () => {
  await using server = await createTestServer();
  const asked: boolean[] = [];
  server.workbench.onToolCall = async (_signal, onProgress) => {
    asked.push(onProgress !== undefined);
    onProgress?.({ progress: 1, total: 2, message: "half" });
    return RESULT;
  };
  const streamed = await call(server, "application/x-ndjson");
  expect(streamed.answer.headers["content-type"]).toBe("application/x-ndjson");
  expect(streamed.lines()).toEqual([{ progress: { progress: 1, total: 2, message: "half" } }, { result: RESULT }]);
  expect((await call(server, "application/json")).answer.json()).toEqual(RESULT);
  expect(asked).toEqual([true, false]);
});

test("[SV10] a call that fails is a problem, or the last line once there was progress", async () => {
  await using server = await createTestServer();
  const error = new LogoMeshError("LM_PLUGIN_TIMEOUT", "It took too long.");
  server.workbench.onToolCall = () => Promise.reject(error);
  const { answer } = await call(server, "application/x-ndjson");
  expect([answer.statusCode, answer.json()]).toEqual([error.status, error.toProblem()]);
  server.workbench.onToolCall = async (_signal, onProgress) => {
    onProgress?.({ progress: 1 });
    throw error;
  };
  expect((await call(server, "application/x-ndjson")).lines()).toEqual([
    { progress: { progress: 1 } },
    { problem: error.toProblem() },
  ]);
});
