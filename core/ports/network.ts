import type { Duplex } from "node:stream";

export interface WebRequest {
  /** http or https, without user and password. */
  url: string;
  method: string;
  headers: Readonly<Record<string, string>>;
  body?: Uint8Array;
}

export interface WebAnswer {
  status: number;
  /** By lower-case name; several `set-cookie` are separated by a line break, other repeated headers by a comma. */
  headers: Readonly<Record<string, string>>;
  /** Decoded, when the content coding is known. */
  body: Uint8Array;
  /** Where redirects led. */
  url: string;
}

/**
 * What is asked before each hop: the host that would be dialled and how far its address is away. A name is asked about twice: before it is
 * resolved (`unresolved`, no address), because a look-up tells the name to others, and once for each address that it has.
 */
export type AuthorizeHop = (hop: {
  scheme: string;
  /** As in a URL: lower case, IDN encoded, IPv6 in brackets, no trailing dot. */
  host: string;
  port: number;
  method: string;
  reach: "public" | "private" | "loopback" | "link-local" | "unresolved";
  address?: string;
}) => void;

export interface WebFetchOptions {
  signal: AbortSignal;
  /** Who asks (`plugin:<id>`, `workflow:<hash>`): each has 16 requests under way at most, the others wait. */
  caller: string;
  authorize: AuthorizeHop;
  /** Of the decoded body; default 8 MiB, at most 64 MiB. */
  bytesMax?: number;
  /** For everything, redirects included; default 30 s, at most 10 min. */
  timeoutMs?: number;
  /** Follow up to 5 redirects (default), or answer the redirect itself. */
  redirects?: "follow" | "answer";
}

/**
 * HTTP for code that is not trusted. The name is resolved once and the address that was judged is dialled; redirects are judged again;
 * headers that smuggle are refused; no credentials of the host's go along.
 *
 * @throws LogoMeshError LM_NET_REFUSED, LM_NET_FAILED, LM_NET_BUSY, LM_TIMEOUT, LM_TOO_LARGE, and whatever `authorize` throws
 */
export interface WebFetch {
  fetch(request: WebRequest, options: WebFetchOptions): Promise<WebAnswer>;
}

export interface WebTunnelOptions {
  /** Ends the attempt; what is open already is ended by destroying its stream. */
  signal: AbortSignal;
  authorize: AuthorizeHop;
}

export interface WebTunnel {
  stream: Duplex;
  /** The one of the judged addresses that was dialled. */
  address: string;
}

/** Connections whose bytes nobody looks at; the way is judged as that of a request whose method is `CONNECT`. */
export interface WebTunnels {
  /**
   * Where `host:port` leads, in the one form that is judged.
   * @throws LogoMeshError LM_NET_REFUSED
   */
  parse(authority: string): { scheme: "https"; host: string; port: number };
  /**
   * @param authority `host:port`
   * @throws LogoMeshError LM_NET_REFUSED, LM_NET_FAILED, LM_NET_BUSY, LM_TIMEOUT, and whatever `authorize` throws
   */
  open(authority: string, options: WebTunnelOptions): Promise<WebTunnel>;
}
