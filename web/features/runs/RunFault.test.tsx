import type { RunTaskSummary } from "@logomesh/contracts";
import { cleanup, screen } from "@testing-library/react";
import { userEvent } from "@testing-library/user-event";
import { afterEach, beforeAll, expect, test } from "vitest";
import { installBrowserStubs, renderPage } from "../../testing/renderPage.tsx";
import { RunFault } from "./RunFault.tsx";

beforeAll(installBrowserStubs);
afterEach(cleanup);

const ERROR = {
  type: "https://serverlessworkflow.io/spec/1.0.0/errors/communication",
  status: 503,
  detail: "Ollama broke off\u202e",
  instance: "/do/0/ask",
  code: "LM_LLM_SERVER",
};
const task = (seq: number, status: RunTaskSummary["status"]): RunTaskSummary => ({
  ...{ seq, reference: "/do/0/ask", name: "ask", type: "call", attempt: seq, status, effect: "idempotent" },
});

test("the reason of a faulted run is said, and its button leads to the last attempt of the task", async () => {
  const tasks = [task(3, "faulted"), task(7, "faulted"), task(8, "cancelled")];
  const shown: number[] = [];
  const fault = <RunFault error={ERROR} tasks={tasks} onSelect={(seq) => void shown.push(seq)} />;
  const { container } = renderPage(fault);
  expect(container.textContent).toContain("Ollama broke off");
  expect(container.textContent).not.toContain("\u202e");
  await userEvent.click(screen.getByRole("button", { name: "Show “ask”" }));
  expect(shown).toEqual([7]);
});

test("an error that belongs to no task has no button", () => {
  const error = { ...ERROR, instance: "/" };
  renderPage(<RunFault error={error} tasks={[task(3, "faulted")]} onSelect={() => undefined} />);
  expect(screen.queryByRole("button")).toBeNull();
});
