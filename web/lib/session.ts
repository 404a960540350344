/** Owns the session token of this browser. It is kept in `localStorage`, which belongs to one port, unlike a cookie. */
import type { Session } from "@logomesh/contracts";

const STORAGE_KEY = "logomesh.session";

export interface SessionStore {
  /** Undefined when nobody is logged in or the session has expired. */
  read(): Session | undefined;
  write(session: Session): void;
  clear(): void;
}

export function createSessionStore(storage: Storage, now: () => number): SessionStore {
  return {
    read() {
      const session = parseSession(storage.getItem(STORAGE_KEY));
      if (session === undefined || Date.parse(session.expiresAt) <= now()) return undefined;
      return session;
    },
    write: (session) => storage.setItem(STORAGE_KEY, JSON.stringify(session)),
    clear: () => storage.removeItem(STORAGE_KEY),
  };
}

function parseSession(text: string | null): Session | undefined {
  if (text === null) return undefined;
  try {
    const value = JSON.parse(text) as Partial<Session> | null;
    if (typeof value?.token !== "string" || typeof value.expiresAt !== "string") return undefined;
    return { token: value.token, expiresAt: value.expiresAt, scopes: value.scopes ?? [] };
  } catch {
    // Something else wrote there: the same as nobody being logged in.
    return undefined;
  }
}

/** The one-time code of a login link, `#code=…`; a fragment never reaches a server log. */
export function loginCodeOf(hash: string): string | undefined {
  const code = new URLSearchParams(hash.replace(/^#/, "")).get("code");
  return code === null || code === "" ? undefined : code;
}
