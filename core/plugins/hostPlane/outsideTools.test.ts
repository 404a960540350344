import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { LogoMeshError, type JsonObject } from "@logomesh/contracts";
import { expect, onTestFinished, test } from "vitest";
import { WorkspaceFiles } from "../../files/index.ts";
import type { ApprovalDraft, WebAnswer, WebFetch, WebRequest } from "../../ports/index.ts";
import { createTempFolder } from "../../testing/index.ts";
import { PLUGIN, PlayedPlane } from "./testing/playedPlane.ts";

// Files and the network: what a plugin gets of the world outside of the workbench, over the real walk through folders.

const content = (answer: { result?: JsonObject }): JsonObject => (answer.result?.structuredContent ?? {}) as JsonObject;

function playFiles() {
  const folder = createTempFolder();
  mkdirSync(join(folder.path, "docs"));
  writeFileSync(join(folder.path, "docs/a.md"), "# Über\n");
  writeFileSync(join(folder.path, "docs/b.bin"), Buffer.from([0xff, 0x00]));
  writeFileSync(join(folder.path, "secret.txt"), "canary");
  const drafts: ApprovalDraft[] = [];
  const files = new WorkspaceFiles({ root: folder.path, shared: ["docs"] });
  const approvals = {
    request: (draft: ApprovalDraft) => {
      drafts.push(draft);
      return Promise.resolve({ approvalId: "apr_1", contentHash: "cc" });
    },
    own: () => undefined,
  };
  const played = new PlayedPlane({ files: { files, approvals } }).listen();
  played.grant({ store: { max_bytes: 1_000, why: "x" } });
  onTestFinished(() => {
    played[Symbol.dispose]();
    files[Symbol.dispose]();
    folder[Symbol.dispose]();
  });
  return { played, drafts };
}

test("[HP17] a file is read under the name that was derived, and its entry holds name and hash", async () => {
  const { played } = playFiles();
  expect(content(await played.call("fs_read", { path: "docs/./a.md" }))).toMatchObject({ code: expect.any(String) });
  expect(content(await played.call("fs_read", { path: "docs/a.md" }))).toMatchObject({
    ...{ path: "docs/a.md", bytes: 8, text: "# Über\n", sha256: expect.stringMatching(/^[0-9a-f]{64}$/) },
  });
  expect(played.policy.asked.at(-1)).toMatchObject({ action: "fs.read", resource: { type: "File", id: "docs/a.md" } });
  expect(played.audit.entries.at(-1)).toMatchObject({
    kind: "host.fs_read",
    data: { path: "docs/a.md", bytes: 8, sha256: expect.stringMatching(/^[0-9a-f]{64}$/), tainted: true },
  });
  expect(JSON.stringify(played.audit.entries)).not.toContain("Über");
});

test("[HP16] who reads a file, or what a folder holds, is tainted; who proposes a change is not", async () => {
  const { played } = playFiles();
  await played.call("fs_propose_change", { path: "docs/a.md", text: "x\n" });
  expect(played.taint.isSet).toBe(false);
  expect(content(await played.call("fs_list", { path: "docs" }))).toEqual({
    entries: [
      { name: "a.md", kind: "file", size: 8 },
      { name: "b.bin", kind: "file", size: 2 },
    ],
  });
  expect(played.taint.isSet).toBe(true);
});

test("[HP3] bytes come as text, base64 or a blob", async () => {
  const { played } = playFiles();
  expect(content(await played.call("fs_read", { path: "docs/b.bin" }))).toMatchObject({ code: "LM_INPUT_INVALID" });
  expect(content(await played.call("fs_read", { path: "docs/b.bin", as: "base64" }))).toMatchObject({ base64: "/wA=" });
  const { handle = "" } = content(await played.call("fs_read", { path: "docs/b.bin", as: "blob" }));
  expect(content(await played.call("blob_get", { handle }))).toMatchObject({ base64: "/wA=", bytes: 2 });
  played.policy.denied.add(`blob ${PLUGIN}`);
  expect(await played.call("fs_read", { path: "docs/b.bin", as: "blob" })).toMatchObject({ error: { code: 4030 } });
});

test.each([
  "secret.txt",
  "docs/../secret.txt",
  "/etc/passwd",
  "docs/none.md",
  "../x",
  "docs//a.md",
  "docs/a.md/",
  "docs/\0",
])("[HP17] %j is not read, and is an entry", async (path) => {
  const { played } = playFiles();
  const answer = await played.call("fs_read", { path });
  expect(JSON.stringify(answer)).not.toContain("canary");
  expect(content(answer).code).toMatch(/^LM_(FILE_|INPUT_)/);
  expect(played.audit.entries).toMatchObject([{ kind: "host.fs_read", trace: { status: "faulted" } }]);
  expect(played.taint.isSet).toBe(false);
});

test("[HP4] what the policy denies is neither read nor proposed", async () => {
  const { played, drafts } = playFiles();
  for (const action of ["fs.read docs/a.md", "fs.read docs", "fs.propose docs/a.md"]) played.policy.denied.add(action);
  for (const [tool, args] of Object.entries({
    fs_read: { path: "docs/a.md" },
    fs_list: { path: "docs" },
    fs_propose_change: { path: "docs/a.md", text: null },
  }))
    expect(await played.call(tool, args)).toMatchObject({ error: { code: 4030 } });
  expect(drafts).toEqual([]);
  expect(played.taint.isSet).toBe(false);
});

test("[HP17] a proposal waits for a person, says who asks in whose name, and changes nothing", async () => {
  const { played, drafts } = playFiles();
  using begun = played.plane.begin({
    callers: [],
    run: { runId: "run_1", taskReference: "/do/0/x" },
  });
  const args = { path: "docs/a.md", text: "# New\n", reason: "better" };
  expect(content(await played.call("fs_propose_change", args, { "org.logomesh/call": begun.token }))).toEqual({
    ...{ approvalId: "apr_1", contentHash: "cc", status: "pending" },
  });
  expect(drafts).toMatchObject([
    {
      ...{ kind: "file-change", title: "Change docs/a.md", requestedBy: { type: "plugin", id: PLUGIN } },
      payload: {
        path: "docs/a.md",
        text: "# New\n",
        baseText: "# Über\n",
        patch: expect.stringContaining("+# New"),
        reason: "better",
      },
      trace: { plugin: PLUGIN, run: "run_1", task: "/do/0/x" },
    },
  ]);
  await played.call("fs_propose_change", { path: "docs/a.md", text: null });
  expect(drafts[1]?.title).toBe("Delete docs/a.md");
  expect(played.audit.entries).toMatchObject([
    { kind: "host.fs_propose_change", trace: { run: "run_1" }, data: { path: "docs/a.md", approval: "apr_1" } },
    { kind: "host.fs_propose_change", data: { sha256: "" } },
  ]);
});

function playWeb(answer: Partial<WebAnswer> = {}) {
  const sent: WebRequest[] = [];
  const web: WebFetch = {
    fetch(request, { authorize }) {
      authorize({ scheme: "https", host: "example.org", port: 443, method: request.method, reach: "unresolved" });
      const address = "93.184.215.14";
      authorize({ scheme: "https", host: "example.org", port: 443, method: request.method, reach: "public", address });
      sent.push(request);
      return Promise.resolve({
        status: 200,
        headers: { "content-type": "text/plain" },
        body: Buffer.from("hi"),
        url: request.url,
        ...answer,
      });
    },
  };
  const played = new PlayedPlane({ web }).listen();
  onTestFinished(() => played[Symbol.dispose]());
  return { played, sent };
}

test("[HP17] a request is asked of the policy by host, method and address, and recorded before it leaves", async () => {
  const { played, sent } = playWeb();
  expect(
    content(await played.call("net_fetch", { url: "https://example.org/a?b=1", method: "post", body: "data" })),
  ).toEqual({
    ...{
      status: 200,
      headers: { "content-type": "text/plain" },
      url: "https://example.org/a?b=1",
      bytes: 2,
      text: "hi",
    },
  });
  expect(sent).toMatchObject([{ method: "POST", body: Buffer.from("data") }]);
  expect(played.policy.asked.map(({ resource }) => [resource.id, resource.attributes])).toEqual([
    ["https://example.org:443", { method: "POST" }],
    ["https://example.org:443", { method: "POST" }],
    ["https://example.org:443", { method: "POST", address: "93.184.215.14" }],
  ]);
  expect(played.audit.entries).toMatchObject([
    { kind: "host.net_fetch", trace: { status: "sent" }, data: { host: "example.org", method: "POST", bytes: 4 } },
    { kind: "host.net_fetch", trace: { status: "completed" }, data: { httpStatus: 200, bytes: 2 } },
  ]);
});

test("[HP4] a host that was not granted is neither asked nor recorded as asked", async () => {
  const { played, sent } = playWeb();
  played.policy.denied.add("net.fetch https://example.org:443");
  expect(await played.call("net_fetch", { url: "https://example.org/" })).toMatchObject({ error: { code: 4030 } });
  expect([sent, played.audit.entries]).toEqual([[], []]);
});

test("[HP3] requests that make no sense are refused, and bytes come in the form that was asked for", async () => {
  const { played, sent } = playWeb({ body: Buffer.from([0xff]) });
  const url = "https://example.org/";
  for (const args of [
    ...[
      { url: "file:///etc/passwd" },
      { url: "no url" },
      { url, method: "GET /x" },
      { url, body: "a", bodyBase64: "YQ==" },
    ],
    { url, headers: Object.fromEntries(Array.from({ length: 51 }, (_, at) => [`x-${at}`, "v"])) },
  ])
    expect(content(await played.call("net_fetch", args))).toMatchObject({ code: "LM_INPUT_INVALID" });
  expect(sent).toEqual([]);
  expect(content(await played.call("net_fetch", { url, as: "base64", bodyBase64: "YQ==" }))).toMatchObject({
    base64: "/w==",
  });
  expect(sent).toMatchObject([{ body: Buffer.from("a") }]);
});

test("[HP64] a model is proposed of those that are offered, with what it would replace, and waits", async () => {
  const requested: ApprovalDraft[] = [];
  const chosen = { provider: "mock", model: "mock" };
  const played = new PlayedPlane({
    proposals: {
      choices: {
        offered: (_alias, { model }) =>
          model === "real"
            ? Promise.resolve({ provider: "ollama", name: "real", simulated: false })
            : Promise.reject(new LogoMeshError("LM_LLM_MODEL_NOT_FOUND", "ollama has no such model.")),
        chosen: (alias) => (alias === "default" ? chosen : undefined),
        choose: () => Promise.reject(new Error("nobody approved")),
      },
      approvals: {
        own: () => undefined,
        request: (draft) => {
          requested.push(draft);
          return Promise.resolve({ approvalId: "apr_1", contentHash: "c0" });
        },
      },
    },
  }).listen();
  onTestFinished(() => played[Symbol.dispose]());
  const proposal = { alias: "default", provider: "ollama", model: "real", why: "it is better" };
  const propose = (more: JsonObject = {}) => played.call("model_propose", { ...proposal, ...more });
  expect((await propose()).result?.structuredContent).toEqual({
    ...{ approvalId: "apr_1", contentHash: "c0", status: "pending" },
  });
  expect(requested).toEqual([
    {
      ...{ kind: "model", title: "Let default stand for real (ollama)", trace: { plugin: PLUGIN } },
      ...{ requestedBy: { type: "plugin", id: PLUGIN }, payload: { ...proposal, replaces: chosen } },
    },
  ]);
  expect(played.audit.entries).toMatchObject([
    { kind: "host.model_propose", data: { alias: "default", model: "real", approval: "apr_1" } },
  ]);
  expect((await propose({ model: "made-up" })).result).toMatchObject({
    ...{ isError: true, structuredContent: { code: "LM_LLM_MODEL_NOT_FOUND" } },
  });
  for (const wrong of [{ why: "" }, { replaces: null }, { options: { stop: "x".repeat(5_000) } }])
    expect((await propose(wrong)).result).toMatchObject({ structuredContent: { code: "LM_INPUT_INVALID" } });
  played.policy.denied.add("model.propose made-up");
  expect(await propose({ model: "made-up" })).toMatchObject({ error: { code: 4030 } });
  expect(requested).toHaveLength(1);
});
