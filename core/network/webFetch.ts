import { LogoMeshError } from "@logomesh/contracts";
import type { Clock, WebAnswer, WebFetch, WebFetchOptions, WebRequest } from "../ports/index.ts";
import { causeOf, judgeTarget, lookupOf, resolveBySystem, type ResolvedAddress } from "./judgeTarget.ts";
import { joinHeaders, readBody } from "./readAnswer.ts";
import { followRedirect, locationOf, type Hop, type Redirect } from "./redirects.ts";
import { failure, refusal } from "./refusal.ts";
import { assertMethod, parseTarget, readHeaders } from "./requestRules.ts";
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
const WITHOUT_CONTENT = new Set([204, 205, 304]);

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
    const addresses = await judgeTarget(hop, options);
    options.signal.throwIfAborted();
    const answer = await send(hop, { addresses, ...options });
    if (!("location" in answer)) return answer;
    if (redirects === REDIRECTS_MAX) {
      throw refusal(`More than ${REDIRECTS_MAX} redirects, the last from ${hop.target.origin}.`);
    }
    hop = followRedirect(hop, answer);
  }
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
