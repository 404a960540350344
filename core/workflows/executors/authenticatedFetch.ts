import { createHash, randomBytes } from "node:crypto";
import { LogoMeshError, type JsonObject, type JsonValue } from "@logomesh/contracts";
import { sha256Hex } from "../../base/index.ts";
import type { Clock, Secrets, WebAnswer, WebFetch, WebFetchOptions, WebRequest } from "../../ports/index.ts";
import { isObject } from "../expressions/index.ts";
import { createFault } from "../interpreter/index.ts";
import type { Authentication } from "../language/index.ts";

// Requests that prove who asks: basic (RFC 7617), bearer (RFC 6750), digest (RFC 7616, qop `auth` or none; MD5 and SHA-256), and tokens of
// OAuth 2.0 for clients (RFC 6749, section 4.4), which are kept in memory only. Credentials come from the arguments or from a secret, which
// nobody but this file reads.

/** Tokens that are kept; the oldest goes. */
const TOKENS_MAX = 200;
/** A token is not used in its last seconds, when it might end on the way. */
const TOKEN_MARGIN_MS = 30_000;
/** Of a token that does not say how long it lives. */
const TOKEN_AGE_MS = 300_000;
/** Shorter ones are parts of ordinary words. */
const HIDDEN_CHARS_MIN = 8;
const TOKEN_BYTES_MAX = 64 * 1024;

export interface Proof {
  authentication: Authentication;
  /** The evaluated policy: `{ basic: { username, password } }` and so on. */
  policy: JsonValue;
}

interface Token {
  value: string;
  untilMs: number;
}

export class AuthenticatedFetch {
  readonly #network: WebFetch;
  readonly #secrets: Secrets;
  readonly #clock: Clock;
  readonly #tokens = new Map<string, Token>();
  /** What was sent of secrets that it does not show: pairs in Base64, tokens that were given for them. */
  readonly #encoded = new Set<string>();

  constructor({ network, secrets, clock }: { network: WebFetch; secrets: Secrets; clock: Clock }) {
    this.#network = network;
    this.#secrets = secrets;
    this.#clock = clock;
  }

  /** Replaces what is a secret in a text, also in the form in which it was sent. */
  readonly redact = (text: string): string => {
    let redacted = this.#secrets.redact(text);
    for (const encoded of this.#encoded) redacted = redacted.replaceAll(encoded, "[private]");
    return redacted;
  };

  /** @throws LogoMeshError LM_INPUT_INVALID for credentials that are none, and what the network throws */
  async fetch(request: WebRequest, proof: Proof | undefined, options: WebFetchOptions): Promise<WebAnswer> {
    if (proof === undefined) return this.#network.fetch(request, options);
    const { scheme } = proof.authentication;
    switch (scheme) {
      case "basic":
        return this.#network.fetch(authorized(request, this.#hide(basic(this.#pair(proof)))), options);
      case "bearer":
        return this.#network.fetch(authorized(request, `Bearer ${headerText(this.#bearer(proof))}`), options);
      case "digest":
        return this.#digest(request, this.#pair(proof), options);
      case "oauth2":
        return this.#withToken(request, proof, options);
    }
  }

  #pair(proof: Proof): { username: string; password: string } {
    const { scheme } = proof.authentication;
    const kept = this.#secretOf(proof);
    if (kept === undefined) {
      const given = memberOf(proof.policy, scheme);
      return { username: textOf(given, "username"), password: textOf(given, "password") };
    }
    const parsed = parseObject(kept);
    if (parsed !== undefined) return { username: textOf(parsed, "username"), password: textOf(parsed, "password") };
    const colon = kept.indexOf(":");
    if (colon < 0) throw badSecret(proof, "user:password, or JSON with username and password");
    return { username: kept.slice(0, colon), password: kept.slice(colon + 1) };
  }

  #bearer(proof: Proof): string {
    const kept = this.#secretOf(proof);
    if (kept === undefined) return textOf(memberOf(proof.policy, "bearer"), "token");
    const parsed = parseObject(kept);
    return parsed === undefined ? kept.trim() : textOf(parsed, "token");
  }

  #secretOf({ authentication: { secret } }: Proof): string | undefined {
    return secret === undefined ? undefined : this.#read(secret);
  }

  #read(name: string): string {
    const value = this.#secrets.get(name);
    if (value !== undefined) return value;
    throw createFault("configuration", `There is no secret ${name}. Set it with: logomesh secret set ${name}`);
  }

  async #digest(
    request: WebRequest,
    pair: { username: string; password: string },
    options: WebFetchOptions,
  ): Promise<WebAnswer> {
    const first = await this.#network.fetch(request, options);
    const challenge = first.status === 401 ? parseDigest(first.headers["www-authenticate"] ?? "") : undefined;
    if (challenge === undefined) return first;
    return this.#network.fetch(authorized(request, answerDigest(request, { challenge, ...pair })), options);
  }

  async #withToken(request: WebRequest, proof: Proof, options: WebFetchOptions): Promise<WebAnswer> {
    const kept = await this.#token(proof, options);
    const answer = await this.#network.fetch(authorized(request, `Bearer ${headerText(kept.value)}`), options);
    if (answer.status !== 401 || !kept.isOld) return answer;
    // Revoked before its time: once more with a new one. Nothing was done for an unknown caller.
    this.#tokens.delete(kept.key);
    const fresh = await this.#token(proof, options);
    return this.#network.fetch(authorized(request, `Bearer ${headerText(fresh.value)}`), options);
  }

  async #token(proof: Proof, options: WebFetchOptions): Promise<{ key: string; value: string; isOld: boolean }> {
    const policy = memberOf(proof.policy, "oauth2");
    const client = memberOf(policy, "client");
    const given = memberOf(client, "secret");
    const named = memberOf(given, "use");
    const secret = typeof named === "string" ? this.#read(named) : typeof given === "string" ? given : "";
    const id = textOf(client, "id");
    const url = tokenUrl(policy);
    const [scopes, audiences] = [listOf(policy, "scopes"), listOf(policy, "audiences")];
    const key = sha256Hex(JSON.stringify([url, id, secret, scopes, audiences, options.caller]));
    const known = this.#tokens.get(key);
    if (known !== undefined && known.untilMs > this.#clock.nowMs()) return { key, value: known.value, isOld: true };
    const form = new URLSearchParams({ grant_type: "client_credentials" });
    if (scopes.length > 0) form.set("scope", scopes.join(" "));
    for (const audience of audiences) form.append("audience", audience);
    const isPost = memberOf(client, "authentication") === "client_secret_post";
    if (isPost) {
      form.set("client_id", id);
      form.set("client_secret", secret);
    }
    const headers = { "content-type": "application/x-www-form-urlencoded", accept: "application/json" };
    const ask: WebRequest = { url, method: "POST", headers, body: Buffer.from(form.toString()) };
    const pair = { username: encodeURIComponent(id), password: encodeURIComponent(secret) };
    const answer = await this.#network.fetch(isPost ? ask : authorized(ask, this.#hide(basic(pair))), {
      ...options,
      bytesMax: TOKEN_BYTES_MAX,
    });
    const said = parseObject(Buffer.from(answer.body).toString("utf8"));
    const value = said?.access_token;
    if (answer.status !== 200 || typeof value !== "string")
      throw createFault("authentication", `${url} gave no token: it answered ${answer.status}.`, { status: 401 });
    this.#hide(`Bearer ${value}`);
    const lifeMs = typeof said?.expires_in === "number" ? said.expires_in * 1000 : TOKEN_AGE_MS;
    this.#keep(key, { value, untilMs: this.#clock.nowMs() + lifeMs - TOKEN_MARGIN_MS });
    return { key, value, isOld: false };
  }

  #hide(authorization: string): string {
    const [, credentials = ""] = authorization.split(" ");
    const oldest = this.#encoded.size >= TOKENS_MAX ? this.#encoded.values().next().value : undefined;
    if (oldest !== undefined) this.#encoded.delete(oldest);
    if (credentials.length >= HIDDEN_CHARS_MIN) this.#encoded.add(credentials);
    return authorization;
  }

  #keep(key: string, token: Token): void {
    const oldest = this.#tokens.size >= TOKENS_MAX ? this.#tokens.keys().next().value : undefined;
    if (oldest !== undefined) this.#tokens.delete(oldest);
    this.#tokens.set(key, token);
  }
}

function authorized(request: WebRequest, authorization: string): WebRequest {
  const headers = Object.fromEntries(
    Object.entries(request.headers).filter(([name]) => name.toLowerCase() !== "authorization"),
  );
  return { ...request, headers: { ...headers, authorization } };
}

function basic({ username, password }: { username: string; password: string }): string {
  if (username.includes(":")) throw new LogoMeshError("LM_INPUT_INVALID", "A user name for basic has no colon.");
  return `Basic ${Buffer.from(`${username}:${password}`).toString("base64")}`;
}

function headerText(value: string): string {
  if (/^[\x21-\x7e]+$/.test(value)) return value;
  throw new LogoMeshError("LM_INPUT_INVALID", "A token has no spaces, line breaks or letters beyond ASCII.");
}

interface Challenge {
  realm: string;
  nonce: string;
  opaque: string | undefined;
  algorithm: string | undefined;
  qop: boolean;
}

function parseDigest(header: string): Challenge | undefined {
  if (!/^digest\s/i.test(header)) return undefined;
  const values = new Map<string, string>();
  for (const [, name = "", quoted, plain] of header.matchAll(/(\w+)=(?:"((?:[^"\\]|\\.)*)"|([^\s,]+))/g))
    values.set(name.toLowerCase(), quoted?.replaceAll(/\\(.)/g, "$1") ?? plain ?? "");
  const [realm, nonce] = [values.get("realm"), values.get("nonce")];
  if (realm === undefined || nonce === undefined) return undefined;
  const qop = (values.get("qop") ?? "").split(",").some((one) => one.trim() === "auth");
  return { realm, nonce, opaque: values.get("opaque"), algorithm: values.get("algorithm"), qop };
}

function answerDigest(
  { url, method }: WebRequest,
  { challenge, username, password }: { challenge: Challenge; username: string; password: string },
): string {
  const { realm, nonce, opaque, algorithm, qop } = challenge;
  const name = /^sha-256$/i.test(algorithm ?? "") ? "sha256" : "md5";
  const hash = (text: string): string => createHash(name).update(text).digest("hex");
  const { pathname, search } = new URL(url);
  const uri = pathname + search;
  const cnonce = randomBytes(16).toString("hex");
  const own = hash(`${username}:${realm}:${password}`);
  const asked = hash(`${method}:${uri}`);
  const response = qop ? hash(`${own}:${nonce}:00000001:${cnonce}:auth:${asked}`) : hash(`${own}:${nonce}:${asked}`);
  const quoted = (text: string): string => `"${text.replaceAll(/["\\]/g, "\\$&")}"`;
  const parts = [
    ...[`username=${quoted(username)}`, `realm=${quoted(realm)}`, `nonce=${quoted(nonce)}`, `uri=${quoted(uri)}`],
    `response="${response}"`,
    ...(algorithm === undefined ? [] : [`algorithm=${algorithm.replaceAll(/[^\w-]/g, "")}`]),
    ...(opaque === undefined ? [] : [`opaque=${quoted(opaque)}`]),
    ...(qop ? ["qop=auth", "nc=00000001", `cnonce="${cnonce}"`] : []),
  ];
  return `Digest ${parts.join(", ")}`;
}

function tokenUrl(policy: JsonValue | undefined): string {
  const authority = textOf(policy, "authority");
  const path = memberOf(memberOf(policy, "endpoints"), "token");
  const url = URL.parse(
    typeof path === "string" ? path : "oauth2/token",
    authority.endsWith("/") ? authority : `${authority}/`,
  );
  // A full URL or a path of two slashes would lead elsewhere than to what was granted; the network asks the policy again in any case.
  if (url === null) throw new LogoMeshError("LM_INPUT_INVALID", `${authority} is no URL of an OAuth 2.0 authority.`);
  return url.href;
}

function memberOf(value: JsonValue | undefined, name: string): JsonValue | undefined {
  return isObject(value ?? null) && Object.hasOwn(value as JsonObject, name) ? (value as JsonObject)[name] : undefined;
}

function textOf(value: JsonValue | undefined, name: string): string {
  const text = memberOf(value, name);
  if (typeof text === "string" || typeof text === "number") return String(text);
  throw new LogoMeshError("LM_INPUT_INVALID", `The authentication has no text “${name}”.`);
}

function listOf(value: JsonValue | undefined, name: string): string[] {
  const list = memberOf(value, name);
  return Array.isArray(list) ? list.filter((one) => typeof one === "string") : [];
}

function parseObject(text: string): JsonObject | undefined {
  try {
    const value = JSON.parse(text) as JsonValue;
    return isObject(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

function badSecret({ authentication: { secret, scheme } }: Proof, wanted: string): LogoMeshError {
  return new LogoMeshError(
    "LM_INPUT_INVALID",
    `The secret ${secret ?? ""} is used for ${scheme}: it must hold ${wanted}.`,
  );
}
