import { cleanup, screen } from "@testing-library/react";
import { userEvent } from "@testing-library/user-event";
import { afterEach, beforeAll, expect, test } from "vitest";
import { pluginFixtures } from "../../testing/fixtures.ts";
import { installBrowserStubs, renderPage } from "../../testing/renderPage.tsx";
import { PluginActions } from "./PluginActions.tsx";
import { PrivateDataNote } from "./PrivateDataNote.tsx";

beforeAll(installBrowserStubs);
afterEach(cleanup);

const privateData = { since: "2026-11-27T10:00:00.000Z", folder: true, values: 2, blobs: 1 };
const granted = pluginFixtures().find((plugin) => plugin.granted);

test("what is kept is named and counted, and how it ends", () => {
  const { container } = renderPage(<PrivateDataNote plugin={{ id: "org.a.b", privateData }} />);
  expect(container.textContent).toContain("its folder /data, 2 values, 1 blob");
  expect(container.textContent).toContain("logomesh plugin declassify org.a.b --why");
  cleanup();
  expect(renderPage(<PrivateDataNote plugin={{ id: "org.a.b" }} />).container.textContent).not.toContain("rivate");
});

test("it is forgotten after a question, where there is any", async () => {
  if (granted === undefined) throw new Error("no fixture");
  const asked: string[] = [];
  const act = { isPending: false, mutate: (action: string) => asked.push(action) } as unknown as Parameters<
    typeof PluginActions
  >[0]["act"];
  renderPage(<PluginActions plugin={{ ...granted, privateData }} act={act} onGrant={() => undefined} />);
  await userEvent.click(screen.getByRole("button", { name: "Forget private data" }));
  expect(asked).toEqual([]);
  await screen.findByText(/deleted for good/);
  await userEvent.click(screen.getAllByRole("button", { name: "Forget private data" }).at(-1) as HTMLElement);
  expect(asked).toEqual(["forget"]);
  cleanup();
  renderPage(<PluginActions plugin={granted} act={act} onGrant={() => undefined} />);
  expect(screen.queryByRole("button", { name: "Forget private data" })).toBeNull();
});
