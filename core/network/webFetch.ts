import { lookup } from "node:dns/promises";
import { BlockList, isIP, type LookupFunction } from "node:net";
import { networkInterfaces } from "node:os";
import { LogoMeshError } from "@logomesh/contracts";
import { messageOf } from "../base/index.ts";
import type { AuthorizeHop, Clock, WebAnswer, WebFetch, WebFetchOptions, WebRequest } from "../ports/index.ts";
import { isNeverDialled, reachOf } from "./addressReach.ts";
import { joinHeaders, readBody } from "./readAnswer.ts";
import { followRedirect, locationOf, type Hop, type Redirect } from "./redirects.ts";
import { failure, refusal } from "./refusal.ts";
import { assertMethod, parseTarget, readHeaders, type Target } from "./requestRules.ts";
import { Slots } from "./slots.ts";

// A request is a sequence of hops: judge the name, resolve it once, judge every address, dial one of those, read. Each hop has a connection
// of its own that ends with it, so nothing of one caller is left for another. What may be sent is in requestRules.ts.

const BYTES_DEFAULT = 8 * 1024 * 1024;
const BYTES_MAX = 64 * 1024 * 1024;
const TIMEOUT_DEFAULT_MS = 30_000;
const TIMEOUT_MAX_MS = 600_000;
const CONNECT_TIMEOUT_MS = 10_000;
const REDIRECTS_MAX = 5;
const ANSWER_HEADER_BYTES_MAX = 32 * 1024;
/** Addresses of one name that are judged; the rest is not dialled. */
const ADDRESSES_MAX = 16;
const WITHOUT_CONTENT = new Set([204, 205, 304]);

export interface ResolvedAddress {
  address: string;
  family: number;
}

export interface WebFetchServiceOptions {
  clock: Clock;
  /** Ports of this workbench: who could call them would act with more than it was granted. */
  ownPorts: () => ReadonlySet<number>;
  /** All addresses of a name. Default: the operating system's resolver. */
  resolve?: (host: string) => Promise<readonly ResolvedAddress[]>;
}

export function createWebFetch(options: WebFetchServiceOptions): WebFetch {
  const { clock, ownPorts, resolve = resolveBySystem } = options;
  const slots = new Slots();
  return {
    async fetch(request, fetchOptions) {
      const { caller } = fetchOptions;
      const hop = firstHop(request);
      fetchOptions.signal.throwIfAborted();
      return withinTime(clock, fetchOptions, async (signal) => {
        await slots.take(caller, signal);
        try {
          return await run(hop, { ...fetchOptions, signal, resolve, ownPorts: ownPorts() });
        } finally {
          // Not before a look-up has ended that nobody waits for any longer: it holds a thread.
          slots.release(caller);
        }
      });
    },
  };
}

function firstHop({ url, method, headers, body }: WebRequest): Hop {
  assertMethod(method, { hasBody: body !== undefined });
  const read = readHeaders(headers);
  if (!read.has("accept-encoding")) read.set("accept-encoding", "gzip, deflate, br");
  if (!read.has("user-agent")) read.set("user-agent", "LogoMesh");
  return { target: parseTarget(url), method, headers: read, body };
}

/** Ends what takes too long, with the error that says so. */
async function withinTime<T>(
  clock: Clock,
  { signal, timeoutMs = TIMEOUT_DEFAULT_MS }: WebFetchOptions,
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const limitMs = Math.min(timeoutMs, TIMEOUT_MAX_MS);
  const late = new AbortController();
  using _timer = clock.setTimer(limitMs, () =>
    late.abort(
      new LogoMeshError("LM_TIMEOUT", `The request took longer than ${limitMs} ms. Allow more time or ask for less.`),
    ),
  );
  const either = AbortSignal.any([signal, late.signal]);
  const aborted = Promise.withResolvers<never>();
  const stop = (): void => aborted.reject(either.reason);
  either.addEventListener("abort", stop, { once: true });
  try {
    // The look-up of a name cannot be stopped; nobody waits for it any longer.
    return await Promise.race([work(either), aborted.promise]);
  } catch (error) {
    throw either.aborted ? either.reason : error;
  } finally {
    either.removeEventListener("abort", stop);
  }
}

interface RunOptions extends WebFetchOptions {
  resolve: (host: string) => Promise<readonly ResolvedAddress[]>;
  ownPorts: ReadonlySet<number>;
}

async function run(first: Hop, options: RunOptions): Promise<WebAnswer> {
  let hop = first;
  for (let redirects = 0; ; redirects += 1) {
    const addresses = await judge(hop, options);
    options.signal.throwIfAborted();
    const answer = await send(hop, { addresses, ...options });
    if (!("location" in answer)) return answer;
    if (redirects === REDIRECTS_MAX) {
      throw refusal(`More than ${REDIRECTS_MAX} redirects, the last from ${hop.target.origin}.`);
    }
    hop = followRedirect(hop, answer);
  }
}

/** The addresses that may be dialled: every one of them was authorized. */
async function judge({ target, method }: Hop, options: RunOptions): Promise<readonly ResolvedAddress[]> {
  const { scheme, host, port } = target;
  const about = { scheme, host, port, method };
  const literal = host.replace(/^\[|\]$/g, "");
  const family = isIP(literal);
  if (family === 0) options.authorize({ ...about, reach: reachOf(host) });
  const addresses = family === 0 ? await resolveOnce(target, options) : [{ address: literal, family }];
  for (const { address } of addresses) {
    assertDialable(address, { port, ownPorts: options.ownPorts });
    options.authorize({ ...about, reach: reachOf(address), address } satisfies Parameters<AuthorizeHop>[0]);
  }
  return addresses;
}

async function resolveOnce({ host }: Target, { resolve }: RunOptions): Promise<readonly ResolvedAddress[]> {
  let addresses: readonly ResolvedAddress[];
  try {
    addresses = await resolve(host);
  } catch (error) {
    throw failure(`The name ${host} could not be resolved: ${messageOf(error)}`, error);
  }
  if (addresses.length === 0) throw failure(`The name ${host} has no address.`);
  return addresses.slice(0, ADDRESSES_MAX);
}

/** @throws LogoMeshError LM_NET_REFUSED for an address that nobody may reach */
function assertDialable(address: string, { port, ownPorts }: { port: number; ownPorts: ReadonlySet<number> }): void {
  if (isIP(address) === 0) throw refusal(`${JSON.stringify(address)} is no address.`);
  if (isNeverDialled(address)) {
    throw refusal(`${address} is a link-local, metadata, multicast or reserved address; those are never asked.`);
  }
  if (ownPorts.has(port) && isThisMachine(address)) {
    throw refusal(`Port ${port} is this workbench's own; use its commands and tools instead of calling it.`);
  }
}

function isThisMachine(address: string): boolean {
  if (reachOf(address) === "loopback") return true;
  const own = new BlockList();
  for (const entry of Object.values(networkInterfaces()).flatMap((entries) => entries ?? [])) {
    own.addAddress(entry.address, entry.family === "IPv6" ? "ipv6" : "ipv4");
  }
  // Mapped IPv4 is compared as IPv4.
  return own.check(address, isIP(address) === 6 ? "ipv6" : "ipv4");
}

async function send(
  { target, method, headers, body }: Hop,
  options: RunOptions & { addresses: readonly ResolvedAddress[] },
): Promise<WebAnswer | Redirect> {
  const { addresses, signal } = options;
  const bytesMax = Math.min(options.bytesMax ?? BYTES_DEFAULT, BYTES_MAX);
  // 110 modules: loaded with the first request, not with the workbench.
  const { Client } = await import("undici");
  const client = new Client(target.url.origin, {
    // Said here, so that no variable of the environment relaxes it.
    connect: { lookup: lookupOf(addresses), timeout: CONNECT_TIMEOUT_MS, rejectUnauthorized: true, allowH2: false },
    // The one time limit is ours.
    headersTimeout: 0,
    bodyTimeout: 0,
    maxHeaderSize: ANSWER_HEADER_BYTES_MAX,
  });
  try {
    const answer = await client.request({
      path: `${target.url.pathname}${target.url.search}`,
      method: method,
      headers: Object.fromEntries(headers),
      body: body ?? null,
      signal,
    });
    const { statusCode: status } = answer;
    const answerHeaders = joinHeaders(answer.headers);
    const location = options.redirects === "answer" ? undefined : locationOf(status, answerHeaders);
    if (location !== undefined) {
      // What a redirect says beside its target is read by nobody.
      answer.body.on("error", () => undefined).destroy();
      return { status, location };
    }
    const hasContent = method !== "HEAD" && !WITHOUT_CONTENT.has(status);
    const read = await readBody(answer.body, { headers: answerHeaders, bytesMax, hasContent });
    return { status, ...read, url: target.url.href };
  } catch (error) {
    if (error instanceof LogoMeshError || signal.aborted) throw error;
    throw failure(`${target.origin} could not be asked: ${causeOf(error)}`, error);
  } finally {
    // Ends a body that was not read to its end, too.
    await client.destroy();
  }
}

/** A resolver for sockets that knows only what was judged. */
function lookupOf(addresses: readonly ResolvedAddress[]): LookupFunction {
  return (_host, { all }, callback) => {
    const [first] = addresses;
    if (all === true || first === undefined) callback(null, [...addresses]);
    else callback(null, first.address, first.family);
  };
}

/** Several failed addresses come as one error without a message. */
function causeOf(error: unknown): string {
  if (error instanceof AggregateError) return error.errors.map(messageOf).join("; ");
  return messageOf(error) || "no reason was given";
}

async function resolveBySystem(host: string): Promise<readonly ResolvedAddress[]> {
  return lookup(host, { all: true });
}
