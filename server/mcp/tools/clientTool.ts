import type { JsonObject } from "@logomesh/contracts";
import type { Caller, ClientCall, OnToolProgress, Workbench } from "@logomesh/core";
import { z } from "zod";

// A tool that LogoMesh itself offers to clients: its schemas, what the policy is asked before it, and the work.

/** What a tool has of the world while it works. */
export interface ToolContext {
  workbench: Workbench;
  /** Acts with the authority of an `mcp` token, whatever else its token may do. */
  caller: Caller;
  /** Aborts when the client cancels or goes away. */
  signal: AbortSignal;
  /** Tells the client how far the work is, where it asked to be told. */
  report: (message: string) => void;
  /** Passes on what a plugin tells of its call, where the client asked to be told. */
  forward: OnToolProgress | undefined;
}

/** As `tools/list` shows a tool. */
export interface ToolDescription {
  name: string;
  title: string;
  description: string;
  inputSchema: JsonObject & { type: "object" };
  outputSchema?: JsonObject & { type: "object" };
  annotations: { readOnlyHint: boolean; destructiveHint: boolean; idempotentHint: boolean; openWorldHint: boolean };
}

export interface ClientTool {
  describe(): ToolDescription;
  /** What the policy is asked first. Default: what the work itself asks it. */
  readonly needs?: NonNullable<ClientCall["needs"]>;
  /** @throws z.ZodError when the arguments do not fit */
  run(input: JsonObject, context: ToolContext): Promise<JsonObject>;
}

interface ToolDefinition<I extends z.ZodObject, O extends z.ZodObject> {
  name: string;
  title: string;
  description: string;
  input: I;
  output: O;
  /** Starts something, instead of only reading. */
  changes?: boolean;
  needs?: NonNullable<ClientCall["needs"]>;
  run: (input: z.output<I>, context: ToolContext) => Promise<z.output<O>>;
}

/** Makes a tool from its schemas; what it answers is checked against `output` by a test, not at run time. */
export function defineTool<I extends z.ZodObject, O extends z.ZodObject>(definition: ToolDefinition<I, O>): ClientTool {
  const { name, title, description, input, output, needs, changes = false } = definition;
  let described: ToolDescription | undefined;
  return {
    describe: () =>
      (described ??= {
        ...{ name, title, description },
        inputSchema: objectSchema(input, "input"),
        outputSchema: objectSchema(output, "output"),
        annotations: {
          readOnlyHint: !changes,
          destructiveHint: false,
          idempotentHint: !changes,
          openWorldHint: changes,
        },
      }),
    ...(needs === undefined ? {} : { needs }),
    run: async (args, context) => (await definition.run(input.parse(args), context)) as JsonObject,
  };
}

function objectSchema(schema: z.ZodObject, io: "input" | "output"): JsonObject & { type: "object" } {
  const { $schema: _dialect, ...rest } = z.toJSONSchema(schema, { io });
  return { ...(rest as JsonObject), type: "object" };
}
