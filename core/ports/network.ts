export interface WebRequest {
  url: string;
  method: string;
  headers: Readonly<Record<string, string>>;
  body?: Uint8Array;
}

export interface WebAnswer {
  status: number;
  headers: Readonly<Record<string, string>>;
  body: Uint8Array;
  /** Where redirects led. */
  url: string;
}

/** What is asked before each hop: the host that would be dialled and how far its address is away. */
export type AuthorizeHop = (hop: {
  scheme: string;
  host: string;
  port: number;
  method: string;
  reach: "public" | "private" | "loopback" | "link-local" | "unresolved";
}) => void;

/**
 * HTTP for code that is not trusted. The name is resolved once and the address that was judged is dialled; redirects are judged again;
 * headers that smuggle are refused; no credentials of the host's go along.
 *
 * @throws LogoMeshError LM_NET_REFUSED, LM_NET_FAILED, LM_TIMEOUT, LM_TOO_LARGE, and whatever `authorize` throws
 */
export interface WebFetch {
  fetch(
    request: WebRequest,
    options: { signal: AbortSignal; authorize: AuthorizeHop; bytesMax?: number; timeoutMs?: number },
  ): Promise<WebAnswer>;
}
