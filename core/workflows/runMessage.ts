import type { ServerMessage } from "@logomesh/contracts";

/** What a subscriber of runs hears: durable events, newest states of live tasks, text of models and progress of tools as they arrive. */
export type RunMessage = Extract<ServerMessage, { type: "event" | "task" | "token" | "progress" }>;
