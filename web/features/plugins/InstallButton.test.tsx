import { LogoMeshError } from "@logomesh/contracts";
import { cleanup, fireEvent, screen, waitFor } from "@testing-library/react";
import { afterEach, beforeAll, expect, test, vi } from "vitest";
import { pluginFixtures } from "../../testing/fixtures.ts";
import { installBrowserStubs, renderPage } from "../../testing/renderPage.tsx";
import { useInstallButton } from "./InstallButton.tsx";

beforeAll(installBrowserStubs);
afterEach(cleanup);

function Page() {
  const { button, problem } = useInstallButton();
  return (
    <>
      {button}
      {problem}
    </>
  );
}

function choose(container: HTMLElement, name = "words.tgz"): void {
  const input = container.ownerDocument.querySelector("input[type=file]");
  fireEvent.change(input as Element, { target: { files: [new File(["bytes"], name)] } });
}

test("a chosen file is sent, and the plugin is opened", async () => {
  const [plugin] = pluginFixtures();
  const sendPlugin = vi.fn(() => Promise.resolve(plugin!));
  const { container, visited } = renderPage(<Page />, { sendPlugin });
  choose(container);
  await waitFor(() => expect(visited).toEqual([`/plugins/${plugin?.id}`]));
  expect(sendPlugin).toHaveBeenCalledWith({ name: "words.tgz", bundle: expect.any(File) });
});

test("why a bundle is refused is shown, and the file can be chosen again", async () => {
  const sendPlugin = vi.fn(() =>
    Promise.reject(new LogoMeshError("LM_PLUGIN_BUNDLE_INVALID", "words.tgz is no archive.")),
  );
  const { container } = renderPage(<Page />, { sendPlugin });
  choose(container);
  expect(await screen.findByText(/words.tgz is no archive/)).toBeTruthy();
  choose(container);
  await waitFor(() => expect(sendPlugin).toHaveBeenCalledTimes(2));
});
