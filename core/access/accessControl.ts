import { readFileSync, renameSync, writeFileSync } from "node:fs";
import { LogoMeshError, type Actor, type Scope, type Session, type Token } from "@logomesh/contracts";
import { messageOf, sha256Hex, type IdSource } from "../base/index.ts";
import type {
  AuditEntryDraft,
  AuditLog,
  Clock,
  Logger,
  Principal,
  Random,
  Reader,
  WriteCommand,
  Writer,
} from "../ports/index.ts";

// Tokens are few and asked for with every request, so they are held in memory and the table is what survives a restart. Secrets are
// random 256-bit texts: a plain SHA-256 is enough to store them by, and looking one up by its hash tells nothing about it.

const SECRET_BYTES = 32;
const CODE_BYTES = 16;
const CODE_LIFETIME_MS = 10 * 60_000;
/** Codes that may wait to be used. */
const CODES_MAX = 20;
const SESSION_DAYS = 30;
const DAY_MS = 86_400_000;
/** How exactly "last used" is known. */
const TOUCH_MS = 5 * 60_000;
/** Name of the token in `.logomesh/token`. */
const WORKSPACE_TOKEN = "workspace";

export interface AccessControlOptions {
  writer: Writer;
  reader: Reader;
  audit: AuditLog;
  clock: Clock;
  random: Random;
  ids: IdSource;
  logger: Logger;
  /** `.logomesh/token` */
  tokenFile: string;
}

/** Who asks, once a token has been checked. */
export interface AccessCaller {
  actor: Actor;
  principal: Principal;
  scopes: readonly Scope[];
}

interface StoredToken {
  id: string;
  name: string;
  hash: string;
  scopes: readonly Scope[];
  tools: readonly string[];
  createdAtMs: number;
  expiresAtMs: number | undefined;
  lastUsedAtMs: number | undefined;
}

/** Opens the tokens of a workspace and makes its own when there is none. */
export async function openAccessControl(options: AccessControlOptions): Promise<AccessControl> {
  const access = new AccessControl(options);
  await access.ensureWorkspaceToken();
  return access;
}

export class AccessControl {
  readonly #options: AccessControlOptions;
  readonly #byHash = new Map<string, StoredToken>();
  readonly #byId = new Map<string, StoredToken>();
  /** Expiry by SHA-256 of the code, oldest first. */
  readonly #codes = new Map<string, number>();

  constructor(options: AccessControlOptions) {
    this.#options = options;
    for (const row of options.reader.all("SELECT * FROM access_token")) {
      this.#remember({
        id: row.id as string,
        name: row.name as string,
        hash: Buffer.from(row.secret_sha256 as Uint8Array).toString("hex"),
        scopes: JSON.parse(row.scopes as string) as Scope[],
        tools: JSON.parse(row.tools as string) as string[],
        createdAtMs: Number(row.created_at),
        expiresAtMs: row.expires_at === null ? undefined : Number(row.expires_at),
        lastUsedAtMs: row.last_used_at === null ? undefined : Number(row.last_used_at),
      });
    }
  }

  /** Makes `.logomesh/token` anew unless it holds a token that is valid. */
  async ensureWorkspaceToken(): Promise<void> {
    const { tokenFile, writer, audit } = this.#options;
    const token = this.#valid(readToken(tokenFile));
    if (token?.name === WORKSPACE_TOKEN && token.scopes.includes("admin")) return;
    const stale = [...this.#byId.values()].filter(({ name }) => name === WORKSPACE_TOKEN);
    const { secret, stored, command, entry } = this.#prepare({ name: WORKSPACE_TOKEN, scopes: ["admin"] }, SYSTEM);
    const removals = stale.flatMap((old) => [revokeCommand(old.id), audit.command(revokedEntry(old, SYSTEM))]);
    await writer.run([...removals, command, audit.command(entry)]);
    for (const old of stale) this.#forget(old);
    this.#remember(stored);
    writeFileSync(`${tokenFile}.new`, `${secret}\n`, { mode: 0o600 });
    renameSync(`${tokenFile}.new`, tokenFile);
  }

  /** Undefined when the token is unknown, expired or revoked. */
  authenticate(secret: string): { caller: AccessCaller; tokenId: string; tools: readonly string[] } | undefined {
    const token = this.#valid(secret);
    if (token === undefined) return undefined;
    this.#touch(token);
    return {
      tokenId: token.id,
      tools: token.tools,
      caller: {
        actor: { type: "client", id: token.name },
        principal: { type: "Client", id: token.id },
        scopes: token.scopes,
      },
    };
  }

  /** Scopes of a token that is valid now. */
  scopesOf(tokenId: string): readonly Scope[] | undefined {
    const token = this.#byId.get(tokenId);
    return token === undefined || this.#isExpired(token) ? undefined : token.scopes;
  }

  /** Plugin tools that the token was made for; none when it is not valid now. */
  toolsOf(tokenId: string): readonly string[] {
    const token = this.#byId.get(tokenId);
    return token === undefined || this.#isExpired(token) ? [] : token.tools;
  }

  createLoginCode(): { code: string; expiresAt: string } {
    const { clock, random } = this.#options;
    const code = textOf(random.bytes(CODE_BYTES));
    const expiresAtMs = clock.nowMs() + CODE_LIFETIME_MS;
    const oldest = this.#codes.size >= CODES_MAX ? this.#codes.keys().next().value : undefined;
    if (oldest !== undefined) this.#codes.delete(oldest);
    this.#codes.set(sha256Hex(code), expiresAtMs);
    return { code, expiresAt: new Date(expiresAtMs).toISOString() };
  }

  /** @throws LogoMeshError LM_API_LOGIN_CODE */
  async createSession(code: string): Promise<Session> {
    const { clock } = this.#options;
    const hash = sha256Hex(code);
    const expiresAtMs = this.#codes.get(hash);
    this.#codes.delete(hash);
    if (expiresAtMs === undefined || expiresAtMs <= clock.nowMs()) {
      throw new LogoMeshError(
        "LM_API_LOGIN_CODE",
        "This login code was used, is too old, or never was one. `logomesh login` prints a new link.",
      );
    }
    const day = new Date(clock.nowMs()).toISOString().slice(0, 10);
    const created = await this.createToken(
      { name: `browser ${day}`, scopes: ["admin"], expiresInDays: SESSION_DAYS },
      { actor: PERSON },
    );
    return { token: created.token, scopes: created.scopes, expiresAt: created.expiresAt ?? "" };
  }

  /** @throws LogoMeshError LM_NOT_FOUND, LM_CONFLICT for the workspace's own token */
  async revoke(tokenId: string, caller: { actor: Actor }): Promise<void> {
    const token = this.#byId.get(tokenId);
    if (token === undefined) throw new LogoMeshError("LM_NOT_FOUND", `No token ${tokenId}.`);
    if (token.name === WORKSPACE_TOKEN) {
      throw new LogoMeshError(
        "LM_CONFLICT",
        "The workspace's own token is not revoked: delete .logomesh/token and start again to replace it.",
      );
    }
    await this.#options.writer.run([
      revokeCommand(token.id),
      this.#options.audit.command(revokedEntry(token, caller.actor)),
    ]);
    this.#forget(token);
  }

  listTokens(): Promise<Token[]> {
    return Promise.resolve([...this.#byId.values()].filter((token) => !this.#isExpired(token)).map(describe));
  }

  async createToken(
    params: { name: string; scopes: Scope[]; tools?: readonly string[]; expiresInDays?: number },
    caller: { actor: Actor },
  ): Promise<Token & { token: string }> {
    if (params.name === WORKSPACE_TOKEN)
      throw new LogoMeshError(
        "LM_CONFLICT",
        `The name ${WORKSPACE_TOKEN} belongs to the token in .logomesh/token. Choose another one.`,
      );
    const { secret, stored, command, entry } = this.#prepare(params, caller.actor);
    await this.#options.writer.run([command, this.#options.audit.command(entry)]);
    this.#remember(stored);
    return { ...describe(stored), token: secret };
  }

  #prepare(
    params: { name: string; scopes: readonly Scope[]; tools?: readonly string[]; expiresInDays?: number },
    actor: Actor,
  ): { secret: string; stored: StoredToken; command: WriteCommand; entry: AuditEntryDraft } {
    const { clock, random, ids } = this.#options;
    const secret = `lm_${textOf(random.bytes(SECRET_BYTES))}`;
    const createdAtMs = clock.nowMs();
    const { name, scopes, expiresInDays } = params;
    const tools = [...new Set(params.tools)];
    const stored: StoredToken = {
      ...{ id: ids.next("tok"), name, hash: sha256Hex(secret), scopes, tools, createdAtMs, lastUsedAtMs: undefined },
      expiresAtMs: expiresInDays === undefined ? undefined : createdAtMs + expiresInDays * DAY_MS,
    };
    const row = { id: stored.id, name, secretSha256: Buffer.from(stored.hash, "hex"), scopes: JSON.stringify(scopes) };
    const granted = tools.length === 0 ? {} : { tools };
    const command = {
      name: "access.insert",
      params: { ...row, tools: JSON.stringify(tools), createdAt: createdAtMs, expiresAt: stored.expiresAtMs ?? null },
    };
    const entry = { kind: "token.created", actor, data: { token: stored.id, name, scopes: [...scopes], ...granted } };
    return { secret, stored, command, entry };
  }

  #valid(secret: string | undefined): StoredToken | undefined {
    const token = secret === undefined ? undefined : this.#byHash.get(sha256Hex(secret));
    return token === undefined || this.#isExpired(token) ? undefined : token;
  }

  #isExpired({ expiresAtMs }: StoredToken): boolean {
    return expiresAtMs !== undefined && expiresAtMs <= this.#options.clock.nowMs();
  }

  #touch(token: StoredToken): void {
    const { clock, writer, logger } = this.#options;
    const atMs = clock.nowMs();
    if (token.lastUsedAtMs !== undefined && atMs - token.lastUsedAtMs < TOUCH_MS) return;
    token.lastUsedAtMs = atMs;
    writer.run([{ name: "access.touch", params: { id: token.id, atMs } }]).catch((error: unknown) => {
      logger.warn({ error: messageOf(error) }, "the use of a token could not be noted");
    });
  }

  #remember(token: StoredToken): void {
    this.#byHash.set(token.hash, token);
    this.#byId.set(token.id, token);
  }

  #forget(token: StoredToken): void {
    this.#byHash.delete(token.hash);
    this.#byId.delete(token.id);
  }
}

const SYSTEM: Actor = { type: "system", id: "access" };
const PERSON: Actor = { type: "person", id: "login" };

function revokeCommand(id: string): WriteCommand {
  return { name: "access.revoke", params: { id } };
}

function revokedEntry({ id, name }: StoredToken, actor: Actor): AuditEntryDraft {
  return { kind: "token.revoked", actor, data: { token: id, name } };
}

function describe(token: StoredToken): Token {
  const { id, name, scopes, tools, createdAtMs, expiresAtMs, lastUsedAtMs } = token;
  return {
    ...{ id, name, scopes: [...scopes], createdAt: new Date(createdAtMs).toISOString() },
    ...(tools.length === 0 ? {} : { tools: [...tools] }),
    ...(expiresAtMs === undefined ? {} : { expiresAt: new Date(expiresAtMs).toISOString() }),
    ...(lastUsedAtMs === undefined ? {} : { lastUsedAt: new Date(lastUsedAtMs).toISOString() }),
  };
}

function textOf(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString("base64url");
}

function readToken(file: string): string | undefined {
  try {
    return readFileSync(file, "utf8").trim();
  } catch {
    // Missing or unreadable: it is made anew.
    return undefined;
  }
}
