/** The one WebSocket of the page: its messages patch the query cache, its state is the connection light. */
import type { ServerMessage } from "@logomesh/contracts";
import type { QueryClient } from "@tanstack/react-query";
import { createContext, useContext } from "react";
import { applyMessages } from "./liveCache.ts";

/** Messages of this time become one change of the page: faster than anybody reads, slower than a busy run tells. */
const GATHER_MS = 50;
/** So many are applied at once even before that, so that the queue cannot grow. */
const GATHERED_MAX = 5000;

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

export interface LiveClock {
  now: () => number;
  later: (act: () => void, delayMs: number) => void;
}

export function createLiveFeed(cache: QueryClient, { now, later }: LiveClock): LiveFeed {
  let state: LiveState = { connection: "connecting" };
  const listeners = new Set<() => void>();
  let gathered: ServerMessage[] = [];
  const apply = (): void => {
    const messages = gathered;
    gathered = [];
    if (messages.length > 0) applyMessages(cache, messages);
  };
  return {
    subscribe(onChange) {
      listeners.add(onChange);
      return () => listeners.delete(onChange);
    },
    state: () => state,
    onMessage(message) {
      gathered.push(message);
      if (gathered.length >= GATHERED_MAX) apply();
      else if (gathered.length === 1) later(apply, GATHER_MS);
    },
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
