import { refusal } from "./refusal.ts";

// What a request may say. It is checked before anything is looked up or sent, and again for each redirect.

const URL_CHARS_MAX = 8 * 1024;
const HEADERS_MAX = 64;
const HEADER_BYTES_MAX = 16 * 1024;
const SHOWN_CHARS_MAX = 200;

const TOKEN = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/;
const METHOD = /^[A-Z][A-Z-]{0,19}$/;
/** RFC 9110 field values, ASCII only: what lies beyond is read differently by different servers. */
const VALUE = /^[\t\x20-\x7e]*$/;
const METHODS_REFUSED = new Set(["CONNECT", "TRACE", "TRACK"]);
const METHODS_WITHOUT_BODY = new Set(["GET", "HEAD"]);

/** They frame the message, choose where it goes, or make a server act on another method than the one that was judged. */
const HEADERS_REFUSED = new Set([
  ...["connection", "content-length", "expect", "host", "http2-settings", "keep-alive", "te", "trailer"],
  ...["transfer-encoding", "upgrade", "via", "forwarded", "x-real-ip", "max-forwards"],
  ...["x-http-method", "x-http-method-override", "x-method-override", "x-original-url", "x-rewrite-url"],
]);
const PREFIXES_REFUSED = ["proxy-", "x-forwarded-"];
/** What goes along to another origin. */
const CROSSING_HEADERS = new Set([
  ...["accept", "accept-charset", "accept-encoding", "accept-language", "user-agent"],
  ...["content-encoding", "content-language", "content-type"],
]);

/** Where a request goes, in the one form that is judged and dialled. */
export interface Target {
  readonly url: URL;
  readonly scheme: "http" | "https";
  /** As in a URL: IPv6 in brackets. */
  readonly host: string;
  readonly port: number;
  /** `https://host:port`, also where the port is the usual one. */
  readonly origin: string;
}

/** @throws LogoMeshError LM_NET_REFUSED */
export function parseTarget(text: string, base?: URL): Target {
  const shown = JSON.stringify(text.slice(0, SHOWN_CHARS_MAX));
  if (text.length > URL_CHARS_MAX) throw refusal(`A URL has at most ${URL_CHARS_MAX} characters; ${shown}… has more.`);
  // URL would drop them silently, so that what a person reads is not what is asked.
  if (/\p{Cc}/u.test(text)) throw refusal(`${shown} holds control characters; encode them as %XX.`);
  const url = URL.parse(text, base?.href);
  if (url === null) throw refusal(`${shown} is not a URL; write http:// or https://, a host and a path.`);
  if (url.protocol !== "http:" && url.protocol !== "https:") {
    throw refusal(`${url.protocol} is not supported; use http or https.`);
  }
  if (url.username !== "" || url.password !== "") {
    throw refusal("A URL must not hold a user or a password; send an Authorization header.");
  }
  if (url.hostname.endsWith(".")) url.hostname = url.hostname.slice(0, -1);
  if (url.hostname === "" || url.hostname.endsWith(".")) throw refusal(`${shown} names no host.`);
  url.hash = "";
  const scheme = url.protocol === "https:" ? "https" : "http";
  const port = Number(url.port || (scheme === "https" ? 443 : 80));
  return { url, scheme, host: url.hostname, port, origin: `${scheme}://${url.hostname}:${port}` };
}

/** @throws LogoMeshError LM_NET_REFUSED */
export function assertMethod(method: string, { hasBody }: { hasBody: boolean }): void {
  if (!METHOD.test(method)) {
    throw refusal(
      `${JSON.stringify(method.slice(0, SHOWN_CHARS_MAX))} is no method; write it in upper case, like GET.`,
    );
  }
  if (METHODS_REFUSED.has(method)) throw refusal(`The method ${method} is never sent.`);
  if (hasBody && METHODS_WITHOUT_BODY.has(method)) throw refusal(`${method} takes no body; use POST or PUT.`);
}

/**
 * The headers by lower-case name.
 * @throws LogoMeshError LM_NET_REFUSED
 */
export function readHeaders(headers: Readonly<Record<string, string>>): Map<string, string> {
  const read = new Map<string, string>();
  let bytes = 0;
  for (const [name, value] of Object.entries(headers)) {
    const shown = JSON.stringify(name.slice(0, SHOWN_CHARS_MAX));
    const lower = name.toLowerCase();
    if (!TOKEN.test(name)) throw refusal(`${shown} is no name of a header.`);
    if (HEADERS_REFUSED.has(lower) || PREFIXES_REFUSED.some((prefix) => lower.startsWith(prefix))) {
      throw refusal(`The header ${name} is set by the workbench alone; leave it out.`);
    }
    if (read.has(lower)) throw refusal(`The header ${name} is given twice.`);
    if (!VALUE.test(value))
      throw refusal(`The value of the header ${name} holds line breaks or other bytes than ASCII.`);
    bytes += name.length + value.length;
    read.set(lower, value);
  }
  if (read.size > HEADERS_MAX || bytes > HEADER_BYTES_MAX) {
    throw refusal(`A request has at most ${HEADERS_MAX} headers of ${HEADER_BYTES_MAX} bytes together.`);
  }
  return read;
}

/** What another origin may see. */
export function crossingHeaders(headers: ReadonlyMap<string, string>): Map<string, string> {
  return new Map([...headers].filter(([name]) => CROSSING_HEADERS.has(name)));
}
