import { expect, test } from "vitest";
import { LogoMeshError, type GenerateChunk } from "../index.ts";
import { createClient } from "./index.ts";

interface Sent {
  url: string;
  init: RequestInit;
}

/** A client whose requests are recorded and answered by `answer`. */
function stub(
  answer: (sent: Sent) => Response | Promise<Response>,
  token: string | (() => string | undefined) = "t0p",
) {
  const sent: Sent[] = [];
  const fetch = (async (url: string, init: RequestInit) => {
    sent.push({ url, init });
    return answer({ url, init });
  }) as typeof globalThis.fetch;
  return { sent, client: createClient({ baseUrl: "http://127.0.0.1:7420/", token, fetch }) };
}

const RESULT = {
  provider: "mock",
  model: "mock",
  simulated: true,
  text: "Hello",
  finishReason: "stop",
  durationMs: 1,
  requestSeq: 1,
  responseSeq: 2,
} as const;

async function collect(chunks: AsyncIterable<GenerateChunk>): Promise<GenerateChunk[]> {
  const all: GenerateChunk[] = [];
  for await (const chunk of chunks) all.push(chunk);
  return all;
}

test("a method sends what its route says: path, query, body and bearer token", async () => {
  const { client, sent } = stub(() => Response.json({ items: [], nextCursor: null }));
  await client.listRunTasks({ params: { id: "a b/c" }, query: { limit: 2 } });
  await client.startRun({ body: { workflow: { name: "digest" }, input: 1 } });
  await client.deleteWorkflow({ params: { namespace: "n", name: "x" }, query: { force: true } });
  expect(sent.map(({ url, init }) => [init.method, url, init.body])).toEqual([
    ["GET", "http://127.0.0.1:7420/api/runs/a%20b%2Fc/tasks?limit=2", undefined],
    ["POST", "http://127.0.0.1:7420/api/runs", '{"workflow":{"name":"digest"},"input":1}'],
    ["DELETE", "http://127.0.0.1:7420/api/workflows/n/x?force=true", "{}"],
  ]);
  expect(sent[0]?.init.headers).toEqual({ accept: "application/json", authorization: "Bearer t0p" });
  expect(sent[1]?.init.headers).toMatchObject({ "content-type": "application/json" });
});

test("the token is asked for before each request and left out when there is none", async () => {
  let token: string | undefined = "first";
  const { client, sent } = stub(
    () => Response.json({}),
    () => token,
  );
  await client.getStatus();
  token = undefined;
  await client.getStatus();
  expect(sent.map(({ init }) => new Headers(init.headers).get("authorization"))).toEqual(["Bearer first", null]);
});

test("a problem document becomes the error that the server threw", async () => {
  const thrown = new LogoMeshError("LM_INPUT_INVALID", "The name is empty.", {
    problems: [{ pointer: "/name", message: "too short" }],
  });
  const { client } = stub(() => Response.json(thrown.toProblem(), { status: thrown.status }));
  const error = await client.getRun({ params: { id: "r" } }).catch((caught: unknown) => caught);
  expect(error).toBeInstanceOf(LogoMeshError);
  expect((error as LogoMeshError).toProblem()).toEqual(thrown.toProblem());
});

test("a server that is no workbench is named", async () => {
  const html = { headers: { "content-type": "text/html" } };
  const { client: broken } = stub(() => new Response("<h1>Bad gateway</h1>", { status: 502, ...html }));
  await expect(broken.getStatus()).rejects.toMatchObject({ code: "LM_INTERNAL" });
  const { client: page } = stub(() => new Response("<h1>Welcome</h1>", html));
  await expect(page.getStatus()).rejects.toMatchObject({ code: "LM_INTERNAL" });
});

test("a connection that fails says that no workbench answers; an abort passes through", async () => {
  const { client } = stub(({ init }) => {
    init.signal?.throwIfAborted();
    throw new TypeError("fetch failed");
  });
  await expect(client.getStatus()).rejects.toMatchObject({ code: "LM_API_NO_SERVER" });
  await expect(client.getStatus({ signal: AbortSignal.abort() })).rejects.toMatchObject({ name: "AbortError" });
});

test("a missing parameter of a path is refused before anything is sent", async () => {
  const { client, sent } = stub(() => Response.json({}));
  // The type asks for the parameter too.
  const getRun = client.getRun as unknown as () => Promise<unknown>;
  await expect(getRun()).rejects.toThrow("/api/runs/:id needs id.");
  expect(sent).toEqual([]);
});

test("a stream yields text as it arrives, whole characters only, and the result last", async () => {
  const bytes = new TextEncoder().encode(`{"delta":"Hé"}\n\n{"delta":"llo"}\n${JSON.stringify({ result: RESULT })}`);
  const { client, sent } = stub(
    () =>
      new Response(
        new ReadableStream({
          start(controller) {
            for (const byte of bytes) controller.enqueue(Uint8Array.of(byte));
            controller.close();
          },
        }),
      ),
  );
  expect(await collect(client.streamGenerate({ body: { prompt: "Hi" } }))).toEqual([
    { delta: "Hé" },
    { delta: "llo" },
    { result: RESULT },
  ]);
  expect(new Headers(sent[0]?.init.headers).get("accept")).toBe("application/x-ndjson");
});

test("a call yields its progress and its result last; a stream that ends before is an error", async () => {
  const result = { content: [{ type: "text", text: "done" }], isError: false, durationMs: 1 };
  const lines = [{ progress: { progress: 1, total: 2 } }, { result }].map((line) => JSON.stringify(line));
  const { client, sent } = stub(() => new Response(lines.join("\n")));
  const call = { params: { id: "org.example.p", tool: "t" }, body: { arguments: {} } };
  const chunks = [];
  for await (const chunk of client.streamCallTool(call)) chunks.push(chunk);
  expect(chunks).toEqual([{ progress: { progress: 1, total: 2 } }, { result }]);
  expect(sent[0]?.url).toBe("http://127.0.0.1:7420/api/plugins/org.example.p/tools/t");
  expect(new Headers(sent[0]?.init.headers).get("accept")).toBe("application/x-ndjson");
  lines.pop();
  const broken = client.streamCallTool(call);
  await broken.next();
  await expect(broken.next()).rejects.toMatchObject({ code: "LM_INTERNAL" });
});

test("an error in the middle of a stream is thrown after the text that came before it", async () => {
  const problem = new LogoMeshError("LM_LLM_SERVER", "Out of memory.", { data: { partialText: "He" } }).toProblem();
  const { client } = stub(() => new Response(`{"delta":"He"}\n${JSON.stringify({ problem })}\n`));
  const chunks = client.streamGenerate({ body: { prompt: "Hi" } });
  expect((await chunks.next()).value).toEqual({ delta: "He" });
  await expect(chunks.next()).rejects.toMatchObject({ code: "LM_LLM_SERVER", data: { partialText: "He" } });
});

test.each([
  ["that ends early", '{"delta":"He"}\n'],
  ["with a line that is no chunk", '{"delta":"He"}\n[]\n'],
  ["with a line that is no JSON", "<html>\n"],
  ["without a body", null],
])("a stream %s is a protocol error", async (_what, text) => {
  const { client } = stub(() => new Response(text));
  await expect(collect(client.streamGenerate({ body: { prompt: "Hi" } }))).rejects.toMatchObject({
    code: "LM_LLM_PROTOCOL",
  });
});

test("leaving the loop cancels the stream", async () => {
  let cancelled = false;
  const { client } = stub(
    () =>
      new Response(
        new ReadableStream({
          pull: (controller) => controller.enqueue(new TextEncoder().encode('{"delta":"x"}\n')),
          cancel: () => void (cancelled = true),
        }),
      ),
  );
  for await (const _chunk of client.streamGenerate({ body: { prompt: "Hi" } })) break;
  expect(cancelled).toBe(true);
});
