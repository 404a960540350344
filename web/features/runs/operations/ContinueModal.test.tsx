import type { RunTaskSummary } from "@logomesh/contracts";
import type { Client } from "@logomesh/contracts/client";
import { cleanup, screen, waitFor } from "@testing-library/react";
import { userEvent } from "@testing-library/user-event";
import { afterEach, beforeAll, expect, test } from "vitest";
import { installBrowserStubs, renderPage } from "../../../testing/renderPage.tsx";
import { ContinueModal } from "./ContinueModal.tsx";
import { decisionsOf, unknownSteps } from "./stepDecisions.ts";

beforeAll(installBrowserStubs);
afterEach(cleanup);

const step = (seq: number, status: RunTaskSummary["status"] = "unknown"): RunTaskSummary => ({
  ...{ seq, reference: `/do/${seq}/pay`, name: `pay${seq}`, type: "call", call: "http", attempt: 1 },
  ...{ status, effect: "once" },
});

test("a run goes on only when every unknown step is decided, with what was said of each", async () => {
  const sent: unknown[] = [];
  let closed = 0;
  const workflow = { namespace: "default", name: "w", version: "1.0.0", hash: "h" };
  const api: Partial<Client> = {
    resumeRun: ({ body }) => {
      sent.push(body);
      return Promise.resolve({
        id: "r",
        workflow,
        status: "running",
        createdAt: "2026-03-01T10:00:00Z",
        recoveries: 0,
      });
    },
  };
  renderPage(<ContinueModal runId="r" how="resume" steps={[step(1), step(2)]} onClose={() => (closed += 1)} />, api);
  const goOn = screen.getByRole("button", { name: "Go on" });
  expect(goOn).toHaveProperty("disabled", true);
  await userEvent.click(screen.getAllByLabelText("It did not happen: do it now")[0] as HTMLElement);
  expect(goOn).toHaveProperty("disabled", true);
  await userEvent.click(screen.getAllByLabelText("It happened: go on with what it answered")[1] as HTMLElement);
  await userEvent.type(screen.getByLabelText("What it answered, as JSON"), "paid");
  expect(screen.getByText("This is not JSON yet.")).toBeDefined();
  expect(goOn).toHaveProperty("disabled", true);
  await userEvent.clear(screen.getByLabelText("What it answered, as JSON"));
  await userEvent.type(screen.getByLabelText("What it answered, as JSON"), '"paid"');
  await userEvent.click(goOn);
  await waitFor(() => expect(closed).toBe(1));
  expect(sent).toEqual([
    {
      steps: [
        { seq: 1, decision: "retry" },
        { seq: 2, decision: "complete", output: "paid" },
      ],
    },
  ]);
});

test("only steps whose outcome is unknown are asked about; a failed one may have a comment", () => {
  const steps = unknownSteps([step(1, "completed"), step(2)]);
  expect(steps.map(({ seq }) => seq)).toEqual([2]);
  const choice = (comment: string) => new Map([[2, { decision: "fail" as const, output: "", comment }]]);
  expect(decisionsOf(steps, choice(" refunded "))).toEqual([{ seq: 2, decision: "fail", comment: "refunded" }]);
  expect(decisionsOf(steps, choice(" "))).toEqual([{ seq: 2, decision: "fail" }]);
  expect(decisionsOf(steps, new Map())).toBeUndefined();
});
