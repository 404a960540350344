import { createClient } from "@logomesh/contracts/client";
import { QueryCache, QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { RouterProvider } from "@tanstack/react-router";
import { useEffect, useMemo, useRef, useState, useSyncExternalStore } from "react";
import { LoadingRows } from "../components/States.tsx";
import { LoginPage } from "../features/session/LoginPage.tsx";
import { useSession } from "../features/session/useSession.ts";
import { ApiContext } from "../lib/api.ts";
import { LiveContext, createLiveFeed } from "../lib/live.ts";
import { isUnauthenticated } from "../lib/problems.ts";
import type { SessionStore } from "../lib/session.ts";
import { SessionContext } from "../lib/sessionContext.ts";
import { createAppRouter } from "./router.tsx";

interface AppProps {
  store: SessionStore;
  baseUrl: string;
}

export function App({ store, baseUrl }: AppProps) {
  const session = useSession({ store, baseUrl, location: window.location, history: window.history });
  const { state, forget, login } = session;
  if (state.kind === "in") {
    return <Workbench key={state.token} token={state.token} baseUrl={baseUrl} forget={forget} />;
  }
  if (state.kind === "exchanging") return <LoadingRows rows={3} label="Logging in" />;
  return <LoginPage error={state.error} busy={false} hasExpired={state.hasExpired} onCode={login} />;
}

interface WorkbenchProps {
  token: string;
  baseUrl: string;
  forget: (options: { hasExpired: boolean }) => void;
}

/** Everything that lives as long as one session: client, cache, router, WebSocket. */
function Workbench({ token, baseUrl, forget }: WorkbenchProps) {
  const client = useMemo(() => createClient({ baseUrl, token }), [baseUrl, token]);
  const [cache] = useState(() => createQueryClient(() => forget({ hasExpired: true })));
  const [feed] = useState(() =>
    createLiveFeed(cache, { now: Date.now, later: (act, delayMs) => setTimeout(act, delayMs) }),
  );
  const [router] = useState(() => createAppRouter(cache));
  const live = useSyncExternalStore(feed.subscribe, feed.state);
  const isLeaving = useRef(false);

  useEffect(() => {
    const controller = new AbortController();
    client
      .watchEvents({
        signal: controller.signal,
        onMessage: feed.onMessage,
        onConnectionChange: (state) => feed.onConnection(state === "waiting" ? "lost" : state),
      })
      .catch((error: unknown) => {
        feed.onConnection("lost");
        if (isUnauthenticated(error)) forget({ hasExpired: !isLeaving.current });
      });
    return () => controller.abort();
  }, [client, feed, forget]);

  const logout = useMemo(
    () => async () => {
      isLeaving.current = true;
      try {
        await client.deleteSession();
      } finally {
        forget({ hasExpired: false });
      }
    },
    [client, forget],
  );

  return (
    <QueryClientProvider client={cache}>
      <ApiContext value={client}>
        <SessionContext value={{ logout }}>
          <LiveContext value={live}>
            <RouterProvider router={router} />
          </LiveContext>
        </SessionContext>
      </ApiContext>
    </QueryClientProvider>
  );
}

function createQueryClient(onUnauthenticated: () => void): QueryClient {
  return new QueryClient({
    queryCache: new QueryCache({
      onError: (error) => {
        if (isUnauthenticated(error)) onUnauthenticated();
      },
    }),
    defaultOptions: {
      // Live messages keep what is shown fresh; a failure is shown at once, with a button to try again.
      queries: { staleTime: 15_000, retry: false, refetchOnWindowFocus: true },
    },
  });
}
