import { isTerminalRunStatus, type JsonValue, type WorkflowReference, type WorkflowSummary } from "@logomesh/contracts";
import { z } from "zod";
import { ITEMS_DEFAULT, ITEMS_MAX, WAIT_SECONDS_DEFAULT, WAIT_SECONDS_MAX } from "../limits.ts";
import { defineTool, type ToolContext } from "./clientTool.ts";
import { followRun } from "./followRun.ts";
import { RunResultSchema, runResult } from "./runResults.ts";

const WorkflowItemSchema = z.object({
  namespace: z.string(),
  name: z.string(),
  version: z.string(),
  title: z.string().optional(),
  summary: z.string().optional(),
});

/** Neither the source of a definition nor a new one: what may run here is decided by a person. */
const reference = {
  namespace: z.string().min(1).max(200).default("default"),
  name: z.string().min(1).max(200),
  version: z.string().min(1).max(100).optional().describe("default: the newest"),
};

interface ReferenceInput {
  namespace: string;
  name: string;
  version?: string | undefined;
}

function toReference({ namespace, name, version }: ReferenceInput): WorkflowReference {
  return { namespace, name, ...(version === undefined ? {} : { version }) };
}

function itemOf({ namespace, name, version, title, summary }: WorkflowSummary): z.infer<typeof WorkflowItemSchema> {
  return {
    ...{ namespace, name, version },
    ...(title === undefined ? {} : { title }),
    ...(summary === undefined ? {} : { summary }),
  };
}

const list = defineTool({
  name: "workflow_list",
  title: "List workflows",
  description: "Lists the workflows that can be run. workflow_get tells the input of one.",
  input: z.strictObject({
    limit: z.int().min(1).max(ITEMS_MAX).default(ITEMS_DEFAULT),
    cursor: z.string().max(500).optional().describe("`nextCursor` of the page before"),
  }),
  output: z.object({ items: z.array(WorkflowItemSchema), nextCursor: z.string().nullable() }),
  async run({ limit, cursor }, { workbench, caller }) {
    const page = await workbench.workflows.listWorkflows({ limit, ...(cursor === undefined ? {} : { cursor }) });
    const items = page.items.filter((workflow) => workbench.clients.mayRead(workflow, caller));
    return { items: items.map(itemOf), nextCursor: page.nextCursor };
  },
});

const get = defineTool({
  name: "workflow_get",
  title: "Describe a workflow",
  description: "What a workflow is for, and the JSON Schema of its input.",
  input: z.strictObject(reference),
  output: WorkflowItemSchema.extend({ inputSchema: z.record(z.string(), z.unknown()).optional() }),
  async run(input, { workbench, caller }) {
    workbench.clients.requireRead(input, caller);
    const workflow = await workbench.workflows.getWorkflow(toReference(input));
    const { inputSchema } = workflow;
    return { ...itemOf(workflow), ...(inputSchema === undefined ? {} : { inputSchema }) };
  },
});

const run = defineTool({
  name: "workflow_run",
  title: "Run a workflow",
  description:
    "Starts a workflow and waits for its end, telling of its tasks by progress notifications. When the time is over first, the " +
    "answer has the run's id and the run goes on: run_watch waits for it. Cancelling the call cancels the run.",
  input: z.strictObject({
    ...reference,
    input: z.unknown().optional().describe("as the inputSchema of workflow_get says; default {}"),
    waitSeconds: z.int().min(0).max(WAIT_SECONDS_MAX).default(WAIT_SECONDS_DEFAULT),
    idempotencyKey: z.string().min(1).max(100).optional().describe("two calls with one key give one run"),
  }),
  output: RunResultSchema,
  changes: true,
  async run({ input = {}, waitSeconds, idempotencyKey, ...workflow }, context) {
    const { workbench, caller, signal } = context;
    const started = await workbench.workflows.start(
      {
        workflow: toReference(workflow),
        // It came as JSON.
        input: input as JsonValue,
        // A key belongs to its client: nobody gets another's run by guessing.
        ...(idempotencyKey === undefined ? {} : { idempotencyKey: `${caller.principal.id}/${idempotencyKey}` }),
      },
      caller,
    );
    try {
      return runResult(await followRun(started.id, { waitMs: waitSeconds * 1_000 }, context));
    } catch (error) {
      if (signal.aborted) await cancelRun(started.id, context);
      throw error;
    }
  },
});

/** The client that wanted the run wants it no more. */
async function cancelRun(runId: string, { workbench: { workflows }, caller }: ToolContext): Promise<void> {
  const { status } = await workflows.getRun(runId);
  if (!isTerminalRunStatus(status)) await workflows.cancel(runId, caller);
}

export const WORKFLOW_TOOLS = [list, get, run];
