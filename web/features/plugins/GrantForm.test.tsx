import { LogoMeshError, type GrantPluginParams, type JsonObject, type Plugin } from "@logomesh/contracts";
import { QueryClient } from "@tanstack/react-query";
import { cleanup, screen, waitFor } from "@testing-library/react";
import { userEvent } from "@testing-library/user-event";
import { afterEach, beforeAll, expect, test } from "vitest";
import { Sparkline } from "../../components/Sparkline.tsx";
import { applyMessage, type PluginSample } from "../../lib/liveCache.ts";
import { queryKeys } from "../../lib/queryKeys.ts";
import { pluginFixtures } from "../../testing/fixtures.ts";
import { installBrowserStubs, renderPage } from "../../testing/renderPage.tsx";
import { GrantForm } from "./GrantForm.tsx";
import { PluginPermissions } from "./PluginPermissions.tsx";

beforeAll(installBrowserStubs);
afterEach(cleanup);

function clipper(): Plugin {
  const plugin = pluginFixtures().find(({ id }) => id === "org.example.web-clipper");
  if (plugin === undefined) throw new Error("no fixture");
  return { ...plugin, command: ["node", "main.mjs", "--say", "two words\u202e"] };
}

const IDLE = { isPending: false, mutate: () => undefined } as unknown as Parameters<typeof PluginPermissions>[0]["act"];

test("everything is shown before the grant: reasons, command, tools, and what an upgrade changes", () => {
  const { container } = renderPage(<GrantForm plugin={clipper()} />);
  const text = container.textContent;
  for (const part of [
    "Reads the article you name.",
    "node main.mjs --say 'two words",
    "once: is never called again by itself",
    "Since version 0.3.0",
    "New permissions: thought.write",
    "New tools: clip",
  ])
    expect(text).toContain(part);
  expect(text).not.toContain("\u202e");
});

test("what is left out is not granted, and a refusal is shown", async () => {
  const asked: GrantPluginParams[] = [];
  const plugin = clipper();
  renderPage(<GrantForm plugin={plugin} />, {
    grantPlugin: ({ body }) => {
      asked.push(body);
      if (asked.length === 1) return Promise.reject(new LogoMeshError("LM_CONFLICT", "It has another content now."));
      return Promise.resolve(plugin);
    },
  });
  await userEvent.click(screen.getByRole("button", { name: "Grant Web clipper" }));
  await screen.findByText("It has another content now.");
  await userEvent.click(screen.getByRole("checkbox", { name: /net\.fetch/ }));
  expect(screen.getByText(/Without 1 of 2/)).toBeTruthy();
  await userEvent.click(screen.getByRole("button", { name: "Grant Web clipper" }));
  await waitFor(() => expect(asked).toHaveLength(2));
  const { sha256, permissions } = plugin;
  expect(asked).toEqual([{ sha256 }, { sha256, permissions: { "thought.write": permissions["thought.write"] } }]);
});

test("tools that say something else are shown with both texts", () => {
  const before = { name: "clip", effect: "once", description: "Clips." } as const;
  const toolChanges = {
    ...{ fromVersion: "0.3.0", added: [{ ...before, name: "send" }], removed: ["gone"] },
    changed: [
      { name: "clip", before, after: { ...before, description: "Clips.\u202e Sends.", inputSchema: { a: 1 } } },
    ],
  };
  const { container } = renderPage(<GrantForm plugin={{ ...clipper(), toolChanges }} />);
  for (const part of [
    "than in version 0.3.0",
    "New: send Clips.",
    "Gone: gone",
    "description: Clips.",
    'inputSchema: {"a":1}',
  ])
    expect(container.textContent).toContain(part);
  expect(container.textContent).not.toContain("\u202e");
});

test("an upgrade that waits is reviewed and granted beside what serves", async () => {
  const asked: GrantPluginParams[] = [];
  const { changes, ...plugin } = { ...clipper(), granted: true };
  const { permissions, limits, command, tools, description } = plugin;
  if (changes === undefined) throw new Error("the fixture is an upgrade");
  const waiting = {
    version: "9.0.0",
    sha256: "f".repeat(64),
    permissions,
    limits,
    command,
    tools,
    description,
    changes,
    sandboxed: true,
  };
  const { container } = renderPage(<PluginPermissions plugin={{ ...plugin, waiting }} act={IDLE} />, {
    getPluginGrant: () => Promise.reject(new LogoMeshError("LM_NOT_FOUND", "none")),
    grantPlugin: ({ body }) => {
      asked.push(body);
      return Promise.resolve(plugin);
    },
  });
  for (const part of ["Version 9.0.0 is installed and waits", "Since version 0.3.0", "It may"])
    expect(container.textContent).toContain(part);
  await userEvent.click(screen.getByRole("button", { name: "Grant Web clipper" }));
  await waitFor(() => expect(asked).toEqual([{ sha256: waiting.sha256 }]));
});

test("a granted plugin shows what was left out, its limiter and its last crash", async () => {
  const plugin: Plugin = {
    ...clipper(),
    granted: true,
    limiter: { running: 2, runningMax: 32, waiting: 1, waitingMax: 1000, circuits: [] },
    lastCrash: { at: "2026-01-01T00:00:00.000Z", code: "LM_PLUGIN_CRASHED", reason: "It ended." },
  };
  const { "thought.write": write } = plugin.permissions;
  const permissions = write === undefined ? {} : { "thought.write": write };
  const { container } = renderPage(<PluginPermissions plugin={plugin} act={IDLE} />, {
    getPluginGrant: () =>
      Promise.resolve({
        grant: {
          pluginId: plugin.id,
          sha256: plugin.sha256,
          isCurrent: true,
          group: "user",
          permissions,
          grantedBy: "person:ada",
        },
      }),
  });
  await screen.findByText(/Granted by person:ada/);
  const rows = screen.getAllByRole("row").map(({ textContent }) => textContent);
  expect(rows.find((row) => row.startsWith("net.fetch"))).toContain("no, left out");
  expect(rows.find((row) => row.startsWith("thought.write"))).toMatch(/yes$/);
  expect(container.textContent).toContain("2 of at most 32 calls are running, 1 of at most 1000 wait");
  expect(container.textContent).toContain("It ended.");
});

test("recent use is drawn from the messages of the live feed, at most two minutes of it", () => {
  const cache = new QueryClient();
  const plugin = clipper();
  for (let second = 1; second <= 130; second += 1) {
    const usage = { ...plugin.usage, memoryBytes: second, cpuPercent: 0 };
    applyMessage(cache, { type: "plugin", plugin: { ...plugin, usage } as unknown as JsonObject });
  }
  const samples = cache.getQueryData<PluginSample[]>(queryKeys.pluginSamples(plugin.id)) ?? [];
  expect([samples.length, samples[0]?.memoryBytes, samples.at(-1)?.memoryBytes]).toEqual([120, 11, 130]);
  const values = samples.map(({ memoryBytes }) => memoryBytes);
  const { container } = renderPage(<Sparkline values={values} most={260} label="Memory" />);
  const points = container.querySelector("polyline")?.getAttribute("points")?.split(" ") ?? [];
  expect([points.length, points[0], points.at(-1)]).toEqual([120, "0.0,18.2", "96.0,10.0"]);
  expect(renderPage(<Sparkline values={[1]} most={1} label="CPU" />).container.querySelector("svg")).toBeNull();
});

test("[PL132] a plugin that leaves the sandbox is shown in red, and granted so only when a person says it", async () => {
  const asked: GrantPluginParams[] = [];
  const plugin: Plugin = { ...clipper(), sandboxed: false, outside: { reason: "trusted", granted: false } };
  renderPage(<GrantForm plugin={plugin} />, {
    grantPlugin: ({ body }) => {
      asked.push(body);
      return Promise.resolve(plugin);
    },
  });
  const [warning] = screen.getAllByRole("alert").filter((alert) => /outside of the sandbox/.test(alert.textContent));
  expect(warning?.textContent).toMatch(/would run outside of the sandbox.*everything that you can/);
  expect(warning?.style.color).toBe("var(--lm-bad)");
  await userEvent.click(screen.getByRole("button", { name: "Grant Web clipper" }));
  await userEvent.click(screen.getByRole("checkbox", { name: /I let it run outside of the sandbox/ }));
  await userEvent.click(screen.getByRole("button", { name: "Grant Web clipper" }));
  await waitFor(() => expect(asked).toHaveLength(2));
  expect(asked).toEqual([{ sha256: plugin.sha256 }, { sha256: plugin.sha256, outsideSandbox: true }]);
});

test("[PL132] where nothing can leave the sandbox nobody can say so, and the reason is shown", () => {
  const outside = { reason: "dev-only", granted: false, refusal: "It needs --dev." } as const;
  const { container } = renderPage(<GrantForm plugin={{ ...clipper(), sandboxed: false, outside }} />);
  expect(container.textContent).toContain("It needs --dev.");
  expect(screen.getByRole<HTMLInputElement>("checkbox", { name: /outside of the sandbox/ }).disabled).toBe(true);
});
