import { readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { createIdSource } from "../base/index.ts";
import { createMemoryDatabase, type CreateWriterModule } from "../db/index.ts";
import type { AuditEntryDraft, AuditLog } from "../ports/index.ts";
import { FakeClock, createSeededRandom, createTempFolder, silentLogger } from "../testing/index.ts";
import { createAccessWriterModule, openAccessControl } from "./index.ts";

const DAY_MS = 86_400_000;
const caller = { actor: { type: "person", id: "p" } } as const;

async function setUp() {
  const folder = createTempFolder();
  const clock = new FakeClock();
  const random = createSeededRandom(5);
  const entries: AuditEntryDraft[] = [];
  const module: CreateWriterModule = () => ({
    name: "audit",
    commands: { "audit.append": (_context: unknown, draft: AuditEntryDraft) => void entries.push(draft) },
  });
  const database = createMemoryDatabase({ modules: [createAccessWriterModule, module], clock, random });
  const audit: AuditLog = {
    command: (draft) => ({ name: "audit.append", params: draft }),
    append: () => Promise.resolve({ seq: 0 }),
    enqueue: () => undefined,
  };
  const ids = createIdSource({ clock, random });
  const tokenFile = join(folder.path, "token");
  const open = () => openAccessControl({ ...database, audit, clock, random, ids, logger: silentLogger, tokenFile });
  return { folder, clock, entries, tokenFile, open, access: await open(), ...database };
}

test("[AC2] a workspace has its admin token in a file that only its owner reads, also after a restart", async () => {
  const { tokenFile, open, access } = await setUp();
  const secret = readFileSync(tokenFile, "utf8").trim();
  expect(statSync(tokenFile).mode & 0o777).toBe(0o600);
  expect(access.authenticate(secret)?.caller).toMatchObject({
    actor: { type: "client", id: "workspace" },
    scopes: ["admin"],
  });
  const again = await open();
  expect(readFileSync(tokenFile, "utf8").trim()).toBe(secret);
  expect(again.authenticate(secret)?.tokenId).toBe(access.authenticate(secret)?.tokenId);
});

test("[AC2] a token file that was changed is replaced and the old token is worth nothing", async () => {
  const { tokenFile, open, entries } = await setUp();
  const old = readFileSync(tokenFile, "utf8").trim();
  writeFileSync(tokenFile, "lm_guess\n");
  const access = await open();
  const fresh = readFileSync(tokenFile, "utf8").trim();
  expect([access.authenticate(old), access.authenticate("lm_guess")]).toEqual([undefined, undefined]);
  expect(access.authenticate(fresh)?.caller.scopes).toEqual(["admin"]);
  expect(entries.map(({ kind }) => kind)).toEqual(["token.created", "token.revoked", "token.created"]);
});

test("[AC1] [AC5] a token is shown once, stored as its hash, and ends with its time or its revocation", async () => {
  const { access, clock, entries, reader, open } = await setUp();
  const created = await access.createToken({ name: "ci", scopes: ["run"], expiresInDays: 2 }, caller);
  expect(created).toMatchObject({ name: "ci", scopes: ["run"] });
  expect(JSON.stringify(reader.all("SELECT hex(secret_sha256) AS h, name, scopes FROM access_token"))).not.toContain(
    created.token,
  );
  expect(JSON.stringify(entries)).not.toContain(created.token);
  expect(entries.at(-1)).toEqual({
    kind: "token.created",
    actor: caller.actor,
    data: { token: created.id, name: "ci", scopes: ["run"] },
  });
  expect(access.authenticate(created.token)?.tokenId).toBe(created.id);
  expect(access.scopesOf(created.id)).toEqual(["run"]);
  expect((await open()).authenticate(created.token)?.tokenId).toBe(created.id);
  expect(await access.listTokens()).toMatchObject([
    { name: "workspace" },
    { name: "ci", lastUsedAt: expect.any(String) },
  ]);
  await clock.advance(2 * DAY_MS);
  expect([access.authenticate(created.token), access.scopesOf(created.id)]).toEqual([undefined, undefined]);
  expect(await access.listTokens()).toHaveLength(1);
  const other = await access.createToken({ name: "x", scopes: ["llm"] }, caller);
  await access.revoke(other.id, caller);
  expect(access.authenticate(other.token)).toBeUndefined();
  expect((await open()).authenticate(other.token)).toBeUndefined();
  expect(entries.at(-1)).toMatchObject({ kind: "token.revoked", data: { name: "x" } });
});

test("[AC1] the workspace's own token is neither revoked nor imitated, and unknown ones are named", async () => {
  const { access } = await setUp();
  const [own] = await access.listTokens();
  await expect(access.revoke(own!.id, caller)).rejects.toMatchObject({ code: "LM_CONFLICT" });
  await expect(access.revoke("tok_none", caller)).rejects.toMatchObject({ code: "LM_NOT_FOUND" });
  await expect(access.createToken({ name: "workspace", scopes: ["run"] }, caller)).rejects.toMatchObject({
    code: "LM_CONFLICT",
  });
});

test("[AC3] [AC4] a code logs in once and within ten minutes; the session is a token for 30 days", async () => {
  const { access, clock } = await setUp();
  const { code, expiresAt } = access.createLoginCode();
  expect(Date.parse(expiresAt)).toBe(clock.nowMs() + 600_000);
  const session = await access.createSession(code);
  expect(Date.parse(session.expiresAt)).toBe(clock.nowMs() + 30 * DAY_MS);
  const known = access.authenticate(session.token);
  expect(known?.caller.scopes).toEqual(["admin"]);
  await expect(access.createSession(code)).rejects.toMatchObject({ code: "LM_API_LOGIN_CODE" });
  const late = access.createLoginCode();
  await clock.advance(600_000);
  await expect(access.createSession(late.code)).rejects.toMatchObject({ code: "LM_API_LOGIN_CODE" });
  await access.revoke(known!.tokenId, caller);
  expect(access.authenticate(session.token)).toBeUndefined();
});

test("[AC3] only so many codes wait; the oldest goes first", async () => {
  const { access } = await setUp();
  const codes = Array.from({ length: 21 }, () => access.createLoginCode().code);
  await expect(access.createSession(codes[0]!)).rejects.toMatchObject({ code: "LM_API_LOGIN_CODE" });
  await expect(access.createSession(codes[1]!)).resolves.toMatchObject({ scopes: ["admin"] });
});

test("[AC6] a token names the plugin tools of its client once and for all", async () => {
  const { access, open, entries, clock } = await setUp();
  const tools = ["org.example.a#t", "org.example.a#u"];
  const params = { name: "desk", scopes: ["mcp" as const], tools: [...tools, tools[0]!], expiresInDays: 1 };
  const created = await access.createToken(params, caller);
  expect(created.tools).toEqual(tools);
  expect(entries.at(-1)?.data).toEqual({ token: created.id, name: "desk", scopes: ["mcp"], tools });
  const again = await open();
  expect(again.authenticate(created.token)?.tools).toEqual(tools);
  expect((await again.listTokens()).map((token) => token.tools)).toEqual([undefined, tools]);
  expect([again.toolsOf(created.id), again.toolsOf("tok_none")]).toEqual([tools, []]);
  await clock.advance(DAY_MS);
  expect(again.toolsOf(created.id)).toEqual([]);
});
