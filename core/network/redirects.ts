import { refusal } from "./refusal.ts";
import { crossingHeaders, parseTarget, type Target } from "./requestRules.ts";

const STATUSES = new Set([301, 302, 303, 307, 308]);

/** A request on its way. */
export interface Hop {
  target: Target;
  method: string;
  headers: ReadonlyMap<string, string>;
  body: Uint8Array | undefined;
}

export interface Redirect {
  status: number;
  location: string;
}

/** Where an answer sends the request (RFC 9110, 15.4); undefined when it is the answer. */
export function locationOf(status: number, headers: Readonly<Record<string, string>>): string | undefined {
  return STATUSES.has(status) ? headers.location : undefined;
}

/**
 * The request that follows a redirect.
 * @throws LogoMeshError LM_NET_REFUSED
 */
export function followRedirect(hop: Hop, { status, location }: Redirect): Hop {
  const target = parseTarget(location, hop.target.url);
  if (hop.target.scheme === "https" && target.scheme === "http") {
    throw refusal(`${hop.target.origin} redirects to ${target.origin}, which is not encrypted. It is not followed.`);
  }
  const becomesGet =
    status === 303
      ? hop.method !== "HEAD" && hop.method !== "GET"
      : (status === 301 || status === 302) && hop.method === "POST";
  const headers = target.origin === hop.target.origin ? hop.headers : crossingHeaders(hop.headers);
  if (!becomesGet) return { ...hop, target, headers };
  const withoutContent = new Map([...headers].filter(([name]) => !name.startsWith("content-")));
  return { target, method: "GET", headers: withoutContent, body: undefined };
}
