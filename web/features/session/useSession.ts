/** Who is logged in here: nobody → (a code from the link or pasted) → a session → nobody again on logout or refusal. */
import { createClient } from "@logomesh/contracts/client";
import { useCallback, useEffect, useState } from "react";
import { loginCodeOf, type SessionStore } from "../../lib/session.ts";

export type SessionState =
  { kind: "in"; token: string } | { kind: "out"; error?: unknown; hasExpired: boolean } | { kind: "exchanging" };

export interface SessionHandle {
  state: SessionState;
  login: (code: string) => void;
  /** Forgets the session here; `hasExpired` when the server refused it. */
  forget: (options: { hasExpired: boolean }) => void;
}

interface Surroundings {
  store: SessionStore;
  baseUrl: string;
  location: Location;
  history: History;
}

export function useSession({ store, baseUrl, location, history }: Surroundings): SessionHandle {
  const [state, setState] = useState<SessionState>(() => {
    if (loginCodeOf(location.hash) !== undefined) return { kind: "exchanging" };
    const session = store.read();
    return session === undefined ? { kind: "out", hasExpired: false } : { kind: "in", token: session.token };
  });

  const login = useCallback(
    (code: string) => {
      setState({ kind: "exchanging" });
      createClient({ baseUrl })
        .createSession({ body: { code } })
        .then((session) => {
          store.write(session);
          setState({ kind: "in", token: session.token });
        })
        .catch((error: unknown) => {
          // A link that was opened before: whoever is logged in stays so.
          const session = store.read();
          setState(
            session === undefined ? { kind: "out", error, hasExpired: false } : { kind: "in", token: session.token },
          );
        });
    },
    [baseUrl, store],
  );

  useEffect(() => {
    const takeCode = (): void => {
      const code = loginCodeOf(location.hash);
      if (code === undefined) return;
      // Used once: out of the address bar and the history with it.
      history.replaceState(history.state, "", `${location.pathname}${location.search}`);
      login(code);
    };
    takeCode();
    window.addEventListener("hashchange", takeCode);
    return () => window.removeEventListener("hashchange", takeCode);
  }, [history, location, login]);

  const forget = useCallback(
    ({ hasExpired }: { hasExpired: boolean }) => {
      store.clear();
      setState({ kind: "out", hasExpired });
    },
    [store],
  );
  return { state, login, forget };
}
