import { LogoMeshError, type Run, type StartRunParams } from "@logomesh/contracts";
import { cleanup, screen, waitFor } from "@testing-library/react";
import { userEvent } from "@testing-library/user-event";
import { afterEach, beforeAll, expect, test } from "vitest";
import { workflowFixture } from "../../testing/fixtures.ts";
import { installBrowserStubs, renderPage } from "../../testing/renderPage.tsx";
import { StartForm } from "./StartForm.tsx";

beforeAll(installBrowserStubs);
afterEach(cleanup);

function renderForm(answer: () => Promise<Run>) {
  const started: StartRunParams[] = [];
  const view = renderPage(<StartForm workflow={workflowFixture()} />, {
    startRun: ({ body }) => {
      started.push(body as StartRunParams);
      return answer();
    },
  });
  return { ...view, started };
}

const RUN = { id: "run-1" } as Run;

test("what is typed is sent as input of this version, and the run is opened", async () => {
  const { started, visited } = renderForm(() => Promise.resolve(RUN));
  await userEvent.type(screen.getByLabelText(/^Text/), "I went to the woods");
  await userEvent.type(screen.getByLabelText(/^Name/), "Walden");
  await userEvent.click(screen.getByRole("button", { name: "Start" }));
  await waitFor(() => expect(visited).toEqual(["/runs/run-1"]));
  expect(started).toEqual([
    {
      workflow: { namespace: "default", name: "reading-digest", version: "1.0.0" },
      input: { text: "I went to the woods", name: "Walden" },
    },
  ]);
});

test("a file is read into the text field", async () => {
  const { container } = renderForm(() => Promise.resolve(RUN));
  const input = container.querySelector<HTMLInputElement>("input[type=file]")!;
  await userEvent.upload(input, new File(["Call me Ishmael."], "moby.txt", { type: "text/plain" }));
  await waitFor(() => expect(screen.getByLabelText(/^Text/)).toHaveProperty("value", "Call me Ishmael."));
  expect(screen.getByLabelText(/^Name/)).toHaveProperty("value", "moby.txt");
});

test("what was typed goes along to JSON, and JSON that cannot be read is not sent", async () => {
  const { started } = renderForm(() => Promise.resolve(RUN));
  await userEvent.type(screen.getByLabelText(/^Text/), "abc");
  await userEvent.click(screen.getByText("JSON"));
  const editor = screen.getByLabelText("Input");
  expect(editor).toHaveProperty("value", '{\n  "text": "abc"\n}');
  await userEvent.clear(editor);
  await userEvent.type(editor, "{{ nonsense");
  await userEvent.click(screen.getByRole("button", { name: "Start" }));
  expect(await screen.findByText(/Not JSON/)).toBeTruthy();
  expect(started).toEqual([]);
});

test("a refusal says title, detail, code and help, and names the field", async () => {
  renderForm(() =>
    Promise.reject(
      new LogoMeshError("LM_WORKFLOW_INPUT_INVALID", "The text is too short.", {
        problems: [{ pointer: "/text", message: "must not be empty" }],
      }),
    ),
  );
  await userEvent.type(screen.getByLabelText(/^Text/), "x");
  await userEvent.click(screen.getByRole("button", { name: "Start" }));
  const alert = await screen.findByRole("alert");
  expect(alert.textContent).toContain("The input does not fit the workflow");
  expect(alert.textContent).toContain("The text is too short.");
  expect(alert.textContent).toContain("LM_WORKFLOW_INPUT_INVALID");
  expect(screen.getByText("must not be empty")).toBeTruthy();
});
