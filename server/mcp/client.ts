import type { Caller } from "@logomesh/core";
import type { Identity } from "../security.ts";

/** Who asks in one exchange, and what stops it. */
export class McpClient {
  readonly tokenId: string;
  readonly caller: Caller;
  /** Plugin tools that the token was made for. */
  readonly tools: readonly string[];
  /** Aborts when the client cancels by a notification in an exchange of its own. */
  readonly cancelled: AbortSignal;
  /** Of the exchange, for the log. */
  readonly requestId: string;

  constructor(identity: Identity, exchange: { requestId: string; cancelled: AbortSignal }) {
    const { caller, tokenId, tools } = identity;
    this.tokenId = tokenId;
    // An admin token asks here for no more than any other: starting a workflow over this door grants it nothing.
    this.caller = { ...caller, scopes: ["mcp"] };
    this.tools = tools;
    this.cancelled = exchange.cancelled;
    this.requestId = exchange.requestId;
  }
}
