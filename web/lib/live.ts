/** The one WebSocket of the page: its messages patch the query cache, its state is the connection light. */
import type { ServerMessage } from "@logomesh/contracts";
import type { QueryClient } from "@tanstack/react-query";
import { createContext, useContext } from "react";
import { applyMessage } from "./liveCache.ts";

export interface LiveState {
  connection: "connecting" | "open" | "lost";
  /** When the connection was last known to be up, in milliseconds. */
  asOf?: number;
}

export interface LiveSource {
  subscribe: (onChange: () => void) => () => void;
  state: () => LiveState;
}

export interface LiveFeed extends LiveSource {
  onMessage: (message: ServerMessage) => void;
  onConnection: (connection: LiveState["connection"]) => void;
}

export function createLiveFeed(cache: QueryClient, now: () => number): LiveFeed {
  let state: LiveState = { connection: "connecting" };
  const listeners = new Set<() => void>();
  return {
    subscribe(onChange) {
      listeners.add(onChange);
      return () => listeners.delete(onChange);
    },
    state: () => state,
    onMessage: (message) => applyMessage(cache, message),
    onConnection(connection) {
      if (connection === state.connection) return;
      const wasOpen = state.connection === "open";
      state = {
        connection,
        ...(wasOpen ? { asOf: now() } : state.asOf === undefined ? {} : { asOf: state.asOf }),
      };
      for (const listener of listeners) listener();
    },
  };
}

export const LiveContext = createContext<LiveState>({ connection: "connecting" });

export function useLiveState(): LiveState {
  return useContext(LiveContext);
}
