import type { ServerMessage } from "@logomesh/contracts";

/** What a subscriber of runs hears: durable events, newest states of live tasks, text of models as it arrives. */
export type RunMessage = Extract<ServerMessage, { type: "event" | "task" | "token" }>;
