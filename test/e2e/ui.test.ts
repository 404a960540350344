import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import type { RunStatus } from "@logomesh/contracts";
import type { Browser } from "playwright-core";
import { LOGIN_CODE, startFakeServer, type FakeServer } from "../../web/testing/fakeServer.ts";
import type { FakeWorld } from "../../web/testing/fakeWorld.ts";
import { HAS_BROWSER, WIDE, axeViolations, launchBrowser, openPage, type TestPage } from "./browser.ts";

const DIST = join(import.meta.dirname, "../../web/dist");

const POLL = { timeout: 15_000 };

let browser: Browser;

beforeAll(async () => {
  if (!existsSync(join(DIST, "index.html"))) throw new Error("The page is not built: npm run build -w @logomesh/web");
  if (HAS_BROWSER) browser = await launchBrowser();
});
afterAll(async () => {
  if (HAS_BROWSER) await browser.close();
});

/** On the first page, or on the one that the test is about. */
async function logIn(server: FakeServer, path?: string): Promise<TestPage> {
  const opened = await openPage(browser);
  await opened.page.goto(`${server.url}${path ?? "/"}#code=${LOGIN_CODE}`);
  if (path === undefined) await opened.page.getByRole("heading", { name: "See it work" }).waitFor();
  return opened;
}

function runIn(world: FakeWorld, wanted: RunStatus): string {
  return world.runs.find(({ status }) => status === wanted)?.id ?? "";
}

const PAGES: [name: string, path: (world: FakeWorld) => string, landmark: string][] = [
  ["Home", () => "/", "See it work"],
  ["Runs", () => "/runs", "Runs"],
  ["Run", (world) => `/runs/${world.runs[0]?.id ?? ""}?task=6`, "shape"],
  ["Suspended run", (world) => `/runs/${runIn(world, "suspended")}`, "reading-digest"],
  ["Timeline", (world) => `/runs/${world.runs[1]?.id ?? ""}?tab=timeline&task=6`, "shape"],
  ["Tasks", (world) => `/runs/${world.runs[1]?.id ?? ""}?tab=tasks`, "reading-digest"],
  ["Input and output", (world) => `/runs/${world.runs[1]?.id ?? ""}?tab=io`, "Output"],
  [
    "Comparison",
    (world) => `/runs/${world.runs[0]?.id ?? ""}?tab=compare&with=${world.runs[1]?.id ?? ""}`,
    "reading-digest",
  ],
  ["Start form", () => "/workflows/default/reading-digest", "Reading digest"],
  ["Source", () => "/workflows/default/reading-digest?tab=source", "Reading digest"],
  ["Versions", () => "/workflows/default/reading-digest?tab=versions", "One version so far"],
  ["New workflow", () => "/workflows/new", "New workflow"],
  ["Tools", () => "/plugins/org.logomesh.data-stats?tool=describe", "Data statistics"],
  ["Permissions", () => "/plugins/org.example.web-clipper?tab=permissions", "It asks for, and is not granted"],
  ["Granted", () => "/plugins/org.logomesh.data-stats?tab=permissions", "Calls and crashes"],
  ["Log of a plugin", () => "/plugins/org.logomesh.data-stats?tab=logs", "Data statistics"],
  ["Approvals", () => "/approvals?status=all", "Approvals"],
  ["File change", (world) => `/approvals/${world.approvals[0]?.id ?? ""}`, "Change src/access.ts"],
  ["Long file change", (world) => `/approvals/${world.approvals[1]?.id ?? ""}`, "Create docs/summary.md"],
  ["Failed approval", (world) => `/approvals/${world.approvals[7]?.id ?? ""}?status=all`, "Change src/part7.ts"],
  ["Constitution", () => "/policy?rule=private-stays-off-the-network", "Constitution"],
  ["Audit entry", () => "/audit/123", "response"],
];

/** Of the narrow screens that people have, the usual one. */
const NARROW = { width: 390, height: 844 };

describe.skipIf(!HAS_BROWSER)("every page", () => {
  // One world and one window for all: nothing is changed here.
  let opened: TestPage;
  let shared: FakeServer;
  beforeAll(async () => {
    shared = await startFakeServer(DIST);
    opened = await logIn(shared);
  });
  afterAll(async () => {
    await opened[Symbol.asyncDispose]();
    await shared[Symbol.asyncDispose]();
  });

  async function expectNoOverflow({ page }: TestPage): Promise<void> {
    const overflow = await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
    expect(overflow).toBeLessThanOrEqual(0);
  }

  test("what axe is to find it finds", async () => {
    await using control = await openPage(browser);
    await control.page.setContent(
      '<html lang="en"><title>t</title><main><h1>h</h1><button></button><p style="color:#999;background:#fff">faint</p></main></html>',
    );
    const idsOf = (violations: string[]): string[] => violations.map((violation) => violation.split(":")[0] ?? "");
    expect(idsOf(await axeViolations(control.page))).toEqual(["button-name", "color-contrast"]);
    expect(idsOf(await axeViolations(control.page, ["color-contrast"]))).toEqual(["color-contrast"]);
  });

  test.each(PAGES)(
    "has no axe violation in light, dark and narrow, and no complaint in the console: %s",
    async (...row) => {
      const [, path, landmark] = row;
      const { page, complaints } = opened;
      await page.emulateMedia({ colorScheme: "light" });
      await page.setViewportSize(WIDE);
      await page.goto(`${shared.url}${path(shared.world)}`);
      await page.getByRole("heading", { name: landmark, exact: true }).first().waitFor();
      await expect.poll(() => page.getByRole("status", { name: /^Loading/ }).count(), POLL).toBe(0);
      expect(await axeViolations(page)).toEqual([]);
      await expectNoOverflow(opened);

      // The same page in other colours.
      await page.emulateMedia({ colorScheme: "dark" });
      await page.locator("html[data-mantine-color-scheme=dark]").waitFor();
      expect(await axeViolations(page, ["color-contrast"])).toEqual([]);

      await page.emulateMedia({ colorScheme: "light" });
      await page.locator("html[data-mantine-color-scheme=light]").waitFor();
      await page.setViewportSize(NARROW);
      await page.getByRole("button", { name: "Navigation" }).waitFor();
      expect(await axeViolations(page)).toEqual([]);
      await expectNoOverflow(opened);
      expect(complaints.splice(0)).toEqual([]);
    },
  );
});

describe.skipIf(!HAS_BROWSER)("the page", () => {
  let server: FakeServer;
  beforeEach(async () => {
    server = await startFakeServer(DIST);
    return () => server[Symbol.asyncDispose]();
  });

  test("the constitution is edited: problems at their place, what changes, and what another program wrote meanwhile", async () => {
    await using opened = await logIn(server, "/policy?rule=private-stays-off-the-network");
    const { page, complaints } = opened;
    const editor = page.getByRole("textbox", { name: "Text of the constitution" });
    await editor.getByText("private-stays-off-the-network").waitFor();
    await expect.poll(() => page.locator(".cm-activeLine").first().textContent(), POLL).toContain("private-stays-off");
    const save = page.getByRole("button", { name: "Put in force" });
    expect(await save.isDisabled()).toBe(true);

    await editor.press("Control+End");
    await editor.pressSequentially("forbid (principal, action, resource);");
    await page.getByText("Line 12, column 1").waitFor();
    await page.getByRole("region", { name: "Problems" }).getByText("the rule has no name").waitFor();
    expect([await save.isDisabled(), await page.locator(".cm-lint-marker-error").count()]).toEqual([true, 1]);
    expect(await axeViolations(page)).toEqual([]);

    await editor.press("Home");
    await editor.pressSequentially('@id("nothing")\n');
    const changes = page.getByRole("region", { name: "What it changes" });
    await changes.getByText("Rules: added nothing.").waitFor();
    await changes.getByText("Denied: fs.read on docs/diary.md").waitFor();
    await changes.getByText("12 requests more").waitFor();
    // Characters that do not show, in a reason, are shown.
    expect(await changes.getByRole("listitem").textContent()).not.toContain("\u202e");
    expect(await axeViolations(page)).toEqual([]);

    server.world.constitution.writeFile('@id("theirs")\nforbid (principal, action, resource);\n');
    await page.getByText("The file was changed by another program").waitFor();
    expect([await save.isDisabled(), await axeViolations(page)]).toEqual([true, []]);
    await page.getByRole("button", { name: "Keep mine, and put it over that" }).click();
    await save.click();
    await changes.getByText("It is in force.").waitFor();
    expect(server.world.constitution.text).toContain('@id("nothing")\nforbid');

    server.world.constitution.writeFile("forbid (principal, action, resource);");
    await page.getByText(/its last good version, with 3 rules, is/).waitFor();
    expect(await axeViolations(page)).toEqual([]);
    expect(complaints.filter((text) => !text.includes("422"))).toEqual([]);
  });

  test("shows its first page with at most 250 kB of JavaScript, compressed", async () => {
    await using opened = await openPage(browser);
    const { page } = opened;
    const scripts = new Set<string>();
    page.on("response", (response) => {
      const { pathname } = new URL(response.url());
      if (pathname.endsWith(".js")) scripts.add(pathname);
    });
    await page.goto(`${server.url}/#code=${LOGIN_CODE}`);
    await page.getByRole("button", { name: "Appearance and session" }).waitFor();
    await page.getByRole("heading", { name: "Recent runs" }).waitFor();
    const bytes = [...scripts].map((path) => gzipSync(readFileSync(join(DIST, path))).length);
    expect(bytes.length).toBeGreaterThan(1);
    expect(bytes.reduce((sum, size) => sum + size, 0)).toBeLessThanOrEqual(250_000);
  });

  test("asks to log in, says why a code was refused, and logs out", async () => {
    await using opened = await openPage(browser);
    const { page } = opened;
    await page.goto(server.url);
    await page.getByRole("heading", { name: "You are not logged in" }).waitFor();
    expect(await page.getByText("script/logomesh login").isVisible()).toBe(true);
    expect(await axeViolations(page)).toEqual([]);
    await page.getByLabel(/paste the link/).fill(`${server.url}/#code=used-before`);
    await page.getByRole("button", { name: "Log in" }).click();
    await page.getByText("The login code is not valid").waitFor();
    await page.getByLabel(/paste the link/).fill(LOGIN_CODE);
    await page.getByRole("button", { name: "Log in" }).click();
    await page.getByRole("heading", { name: "See it work" }).waitFor();
    await page.getByRole("button", { name: "Appearance and session" }).click();
    await page.getByRole("menuitem", { name: "Log out" }).click();
    await page.getByRole("heading", { name: "You are not logged in" }).waitFor();
    expect(await page.evaluate(() => localStorage.getItem("logomesh.session"))).toBeNull();
  });

  test("a session that the server no longer knows ends on the login page", async () => {
    await using opened = await logIn(server);
    server.fail("listRuns", "LM_API_UNAUTHENTICATED");
    await opened.page.goto(`${server.url}/runs`);
    await opened.page.getByText("Your session has ended").waitFor();
  });

  test("one click runs the sample, its tasks light up, and its output is there", async () => {
    await using opened = await logIn(server);
    const { page, complaints } = opened;
    const reference = "/do/2/study/fork/branches/3/summary/try/0/ask";
    const release = server.world.hold(reference);
    await page.getByRole("button", { name: "Run the sample" }).click();
    await page.waitForURL(/\/runs\/run_/);
    const detail = page.getByRole("region", { name: "Detail" });
    await detail.getByText("Running", { exact: true }).first().waitFor();
    const ask = page.locator(`[data-id='${reference}'] button`);
    await ask.and(page.locator("[data-status=running]")).waitFor();
    release();
    await ask.and(page.locator("[data-status=completed]")).waitFor();
    await detail.getByText("Completed", { exact: true }).first().waitFor();
    await ask.click();
    const panel = page.getByRole("complementary", { name: "Task" });
    await panel.getByText("The author went to the woods").waitFor();
    expect(await panel.getByText("mock", { exact: true }).first().isVisible()).toBe(true);
    await page.getByRole("tab", { name: "Input and output" }).click();
    await detail.getByText("Digest: walden.md").waitFor();
    expect(complaints).toEqual([]);
  });

  test("a large output says its size and is loaded when it is asked for; private data is marked", async () => {
    const run = server.world.runs.find(({ status }) => status === "completed");
    server.world.change(run?.id ?? "", { output: { text: "x".repeat(300_000) }, tainted: true });
    await using opened = await logIn(server, `/runs/${run?.id ?? ""}?tab=io`);
    const { page } = opened;
    const detail = page.getByRole("region", { name: "Detail" });
    await detail.getByText("293 KiB of JSON.").waitFor();
    await detail.getByText("private data", { exact: true }).waitFor();
    expect(await axeViolations(page)).toEqual([]);
    await detail.getByRole("button", { name: "Load output of the run" }).click();
    await detail.getByText("Show all 300000 characters").waitFor();
  });

  test("a running run can be cancelled after being asked once", async () => {
    await using opened = await logIn(server);
    const { page } = opened;
    server.world.stageMs = 60_000;
    await page.getByRole("button", { name: "Run the sample" }).click();
    await page.getByRole("button", { name: "Cancel", exact: true }).click();
    await page.getByRole("button", { name: "Cancel the run" }).click();
    await page.getByRole("region", { name: "Detail" }).getByText("Cancelled", { exact: true }).waitFor();
  });

  test("two runs are compared, and a run is checked by replay", async () => {
    const [first, second] = server.world.runs;
    await using opened = await logIn(server, `/runs/${first?.id ?? ""}?tab=compare`);
    const { page } = opened;
    await page.getByRole("combobox", { name: "Compare with" }).click();
    await page.getByRole("option", { name: new RegExp(`${second?.id.slice(-8) ?? "?"}, `) }).click();
    await page.waitForURL(/with=/);
    await page.getByText("2 tasks of 3 differ, by the same definition.").waitFor();
    await page.getByText("did not run").waitFor();
    expect(await page.getByRole("button", { name: "gather" }).count()).toBe(0);
    await page.getByRole("button", { name: "ask", exact: true }).click();
    const left = page.getByRole("group", { name: "output in this run" });
    expect(await left.textContent()).toContain("woods⟨U+202E⟩.");
    await page.getByText("2.9 MiB of JSON").waitFor();
    expect(await axeViolations(page)).toEqual([]);
    await page.getByRole("switch", { name: "Show equal tasks too" }).press("Space");
    await page.getByRole("button", { name: "gather" }).waitFor();
    await page.getByRole("button", { name: "Check by replay" }).click();
    await page.getByText("identical with what is stored (42 events, 8 tasks)").waitFor();
  });

  test("a run is suspended, resumed, and retried when it has failed", async () => {
    await using opened = await logIn(server);
    const { page } = opened;
    server.world.stageMs = 60_000;
    await page.getByRole("button", { name: "Run the sample" }).click();
    const detail = page.getByRole("region", { name: "Detail" });
    await page.getByRole("button", { name: "Suspend", exact: true }).click();
    await page.getByRole("button", { name: "Suspend the run" }).click();
    await detail.getByText("Suspended", { exact: true }).waitFor();
    await page.getByRole("button", { name: "Resume", exact: true }).click();
    await page.getByText("goes on where it was left").waitFor();
    expect(await axeViolations(page)).toEqual([]);
    await page.getByRole("button", { name: "Resume the run" }).click();
    await detail.getByText("Running", { exact: true }).first().waitFor();
    server.world.change(server.world.runs[0]?.id ?? "", { status: "faulted" });
    await page.getByRole("button", { name: "Retry", exact: true }).click();
    await page.getByRole("button", { name: "Retry the run" }).click();
    await detail.getByText("Running", { exact: true }).first().waitFor();
  });

  test("lists and pages are driven by the keyboard", async () => {
    await using opened = await logIn(server);
    const { page } = opened;
    await page.keyboard.press("g");
    await page.keyboard.press("r");
    await page.waitForURL(/\/runs$/);
    await page.getByRole("option").first().waitFor();
    await page.keyboard.press("j");
    await page.keyboard.press("j");
    await page.keyboard.press("k");
    await page.keyboard.press("j");
    await page.keyboard.press("Enter");
    await page.waitForURL(`${server.url}/runs/${server.world.runs[1]?.id ?? ""}`);
    await page.keyboard.press("Escape");
    await page.waitForURL(/\/runs$/);
    await page.keyboard.press("/");
    await page.keyboard.type("000000000042");
    await page.waitForURL(/q=/);
    await expect.poll(() => page.getByRole("option").count(), POLL).toBe(1);
    await page.keyboard.press("Escape");
    await page.keyboard.press("?");
    await page.getByRole("dialog").getByText("Keyboard shortcuts").waitFor();
    await page.keyboard.press("Escape");
    await page.keyboard.press("Control+k");
    await page.getByLabel("Go anywhere").fill("Run Reading");
    await page.getByText("Workflow default/reading-digest").waitFor();
    await page.keyboard.press("ArrowDown");
    await page.keyboard.press("Enter");
    await page.waitForURL(/\/workflows\/default\/reading-digest/);
  });

  test("a long list loads as it is scrolled and renders only what is seen", async () => {
    await using opened = await logIn(server, "/runs");
    const { page } = opened;
    const list = page.getByRole("listbox", { name: "Runs" });
    await list.getByRole("option").first().waitFor();
    await expect
      .poll(async () => {
        await list.evaluate((element) => element.scrollTo(0, element.scrollHeight));
        return await list.getByText("…00000229").count();
      }, POLL)
      .toBe(1);
    expect(await list.getByRole("option").count()).toBeLessThan(60);
  });

  test("empty pages teach the next step", async () => {
    server.world.empty();
    await using opened = await logIn(server);
    const { page } = opened;
    for (const [path, title, command] of [
      ["/runs", "No runs yet", "script/logomesh run"],
      ["/workflows", "No workflows yet", "script/logomesh workflow push"],
      ["/plugins", "No plugins installed", "script/logomesh init"],
      ["/approvals", "Nothing waits for you", "script/logomesh approval list"],
      ["/audit", "Nothing is logged yet", "script/logomesh audit query"],
    ] as const) {
      await page.goto(`${server.url}${path}`);
      await page.getByRole("heading", { name: title }).waitFor();
      expect(await page.getByText(command).isVisible()).toBe(true);
      expect([path, await axeViolations(page)]).toEqual([path, []]);
    }
  });

  test("failing pages say what, which code and what to do, and recover", async () => {
    await using opened = await logIn(server);
    const { page } = opened;
    for (const [path, route] of [
      ["/runs", "listRuns"],
      ["/workflows", "listWorkflows"],
      ["/plugins", "listPlugins"],
      ["/approvals", "listApprovals"],
      ["/audit", "queryAudit"],
    ] as const) {
      server.fail(route, "LM_TIMEOUT");
      await page.goto(`${server.url}${path}`);
      const alert = page.getByRole("alert").first();
      await alert.getByText("Time limit exceeded").waitFor();
      // The alert is drawn anew when the page asks again by itself.
      await alert.getByText("LM_TIMEOUT").waitFor();
      await alert.getByText(`The test asked ${route} to fail.`).waitFor();
      expect([path, await axeViolations(page)]).toEqual([path, []]);
      server.fail(route, undefined);
      await alert.getByRole("button", { name: "Try again" }).click();
      await page.getByRole("option").first().waitFor();
    }
  });

  test("a lost connection is shown, and what was missed is there when it returns", async () => {
    await using opened = await logIn(server, "/runs?status=pending");
    const { page } = opened;
    await page.getByText("live", { exact: true }).waitFor();
    const before = await page.getByRole("option").first().textContent();
    server.setLive(false);
    await page.getByText("offline", { exact: true }).waitFor();
    const missed = server.world.runs.find(({ status }) => status === "pending");
    server.world.change(missed?.id ?? "", { status: "completed" });
    server.setLive(true);
    await page.getByText("live", { exact: true }).waitFor();
    await expect.poll(() => page.getByRole("option").first().textContent(), POLL).not.toBe(before);
  });

  test("problems of a source stand at their line, and a correct one is stored as the next version", async () => {
    await using opened = await logIn(server, "/workflows/default/reading-digest?tab=source");
    const { page, complaints } = opened;
    const editor = page.getByRole("textbox", { name: "Source of the workflow" });
    await editor.click();
    await page.keyboard.press("Control+End");
    await page.keyboard.type("broken: [");
    await page
      .getByRole("region", { name: "Problems" })
      .getByText(/Problem, line/)
      .first()
      .waitFor();
    expect(await page.getByRole("button", { name: /^Save/ }).isDisabled()).toBe(true);
    for (let index = 0; index < "broken: [".length; index += 1) await page.keyboard.press("Backspace");
    await page.keyboard.type("# a remark");
    await page.getByText("No problems").waitFor();
    await page.getByRole("button", { name: "Save as 1.0.1" }).click();
    await page.waitForURL(/version=1.0.1/);
    expect(server.world.workflows[0]?.source).toContain("# a remark");
    expect(complaints).toEqual([]);
  });

  test("the editor proposes what fits, and the graph and the caret follow each other", async () => {
    await using opened = await logIn(server, "/workflows/default/reading-digest?tab=source");
    const { page, complaints } = opened;
    const graph = page.getByRole("group", { name: "Graph of the workflow" });
    const condense = graph.getByRole("button", { name: /^condense/ });
    await condense.click();
    await expect.poll(() => page.locator(".cm-activeLine").first().textContent(), POLL).toContain("- condense:");
    await condense.and(page.locator("[data-selected=true]")).waitFor();

    await page.keyboard.press("End");
    await page.keyboard.press("Enter");
    await page.keyboard.type("  then: k");
    const list = page.getByRole("listbox", { name: "Completions" });
    await list.getByRole("option", { name: /^keep/ }).waitFor();
    expect(await list.getByRole("option").count()).toBe(1);
    expect(await axeViolations(page)).toEqual([]);
    await page.keyboard.press("Enter");
    await page.getByText("No problems").waitFor();

    await page.keyboard.press("Control+Home");
    await expect.poll(() => graph.locator("[data-selected=true]").count(), POLL).toBe(0);
    // While the text is not valid the graph stays as it was.
    await page.keyboard.type("[");
    await page
      .getByRole("region", { name: "Problems" })
      .getByText(/Problem, line/)
      .first()
      .waitFor();
    await page.getByText("As of the last valid text").waitFor();
    expect(await condense.isVisible()).toBe(true);
    expect(await axeViolations(page)).toEqual([]);
    expect(complaints).toEqual([]);
  });

  test("two versions are compared", async () => {
    const [first] = server.world.workflows;
    if (first === undefined) throw new Error("the world has a workflow");
    const source = first.source.replace("title: Reading digest", "title: Digest of a text");
    server.world.storeVersion({ ...first, version: "1.0.1", source, versions: ["1.0.1", "1.0.0"] });
    await using opened = await logIn(server, "/workflows/default/reading-digest?tab=versions");
    const { page } = opened;
    const changes = page.getByRole("region", { name: "Changes" });
    await changes.locator("[data-kind=added]").getByText("title: Digest of a text").waitFor();
    await changes.locator("[data-kind=removed]").getByText("title: Reading digest").waitFor();
    expect(await axeViolations(page)).toEqual([]);
  });

  test("a lockdown is asked for once, shown on every page, and left from there", async () => {
    await using opened = await logIn(server);
    const { page, complaints } = opened;
    await page.getByRole("button", { name: "Appearance and session" }).click();
    await page.getByRole("menuitem", { name: "Lock down…" }).click();
    await page.getByLabel("Reason, for whoever sees it").fill("A drill.");
    await page.getByRole("button", { name: "Lock down now" }).click();
    const banner = page.getByRole("alert").filter({ hasText: "Locked down" });
    await banner.getByText("A drill.").waitFor();
    await page.goto(`${server.url}/audit`);
    await banner.getByText("A drill.").waitFor();
    expect(await axeViolations(page)).toEqual([]);
    await banner.getByRole("button", { name: "Leave the lockdown…" }).click();
    await banner.getByRole("button", { name: "Leave it" }).click();
    await banner.waitFor({ state: "detached" });
    expect(complaints).toEqual([]);
  });

  test("a plugin is granted, started and its tool tried", async () => {
    await using opened = await logIn(server, "/plugins/org.example.web-clipper");
    const { page } = opened;
    await page.getByRole("button", { name: "Grant", exact: true }).click();
    await page.getByRole("button", { name: "Grant Web clipper" }).click();
    await page.getByRole("button", { name: "Start", exact: true }).click();
    await page.getByRole("region", { name: "Detail" }).getByText("Ready", { exact: true }).waitFor();
    await page.goto(`${server.url}/plugins/org.logomesh.data-stats`);
    await page.getByRole("button", { name: /describe/ }).click();
    await page.getByRole("button", { name: "Call describe" }).click();
    await page.getByRole("group", { name: "result of the call" }).getByText("sentences:").waitFor();
  });

  test("a file change is read with its hidden characters, approved with a comment, and undone", async () => {
    await using opened = await logIn(server);
    const { page, complaints } = opened;
    await page.getByLabel("3 waiting").waitFor();
    await page.keyboard.press("g");
    await page.keyboard.press("i");
    await page.getByRole("listbox", { name: "Approvals" }).getByRole("option").first().waitFor();
    await page.keyboard.press("j");
    await page.keyboard.press("Enter");
    const detail = page.getByRole("region", { name: "Detail" });
    await detail.getByText("4 hidden characters").waitFor();
    const added = detail.getByRole("region", { name: "Changes" }).locator("[data-kind=added]");
    expect(await added.textContent()).toBe('2+  return role !== "userU+202E U+2066// admins onlyU+2069 U+2066";');
    await detail.getByRole("button", { name: "Approve", exact: true }).click();
    await page.getByText("It holds 4 characters that do not show").waitFor();
    expect(await axeViolations(page)).toEqual([]);
    await page.getByLabel("Comment").fill("looked at it");
    await page.getByRole("button", { name: "Approve what is shown" }).click();
    await detail.getByText("Approved", { exact: true }).waitFor();
    await detail.getByText("looked at it").waitFor();
    await page.getByLabel("2 waiting").waitFor();
    await detail.getByRole("button", { name: "Undo", exact: true }).click();
    await page.getByRole("button", { name: "Put it back" }).click();
    await detail.getByText("Undone", { exact: true }).waitFor();
    await page.keyboard.press("Escape");
    await page.waitForURL(/\/approvals$/);
    expect(complaints).toEqual([]);
  });

  test("what another person decided shows at once, and a decision that comes late says so", async () => {
    await using opened = await logIn(server);
    const { page } = opened;
    const [first, second] = server.world.approvals;
    await page.goto(`${server.url}/approvals/${second?.id ?? ""}`);
    await page.getByText("live", { exact: true }).waitFor();
    const detail = page.getByRole("region", { name: "Detail" });
    await detail.getByText("Line 1 of the summary.").waitFor();
    // Of 900 lines only what is in sight is in the page.
    expect(await detail.locator("[data-kind=added]").count()).toBeLessThan(200);
    const shown = page.getByRole("option", { name: /src\/access/ });
    await shown.waitFor();
    server.world.changeApproval(first?.id ?? "", { status: "rejected" });
    await shown.waitFor({ state: "detached" });
    await page.getByLabel("2 waiting").waitFor();
    await detail.getByRole("button", { name: "Reject", exact: true }).click();
    server.setLive(false);
    server.world.changeApproval(second?.id ?? "", { status: "approved" });
    await page.getByRole("button", { name: "Reject it" }).click();
    await detail.getByRole("alert").getByText("LM_APPROVAL_DECIDED").waitFor();
    await detail.getByText("Approved", { exact: true }).waitFor();
  });

  test("the log is searched and verified", async () => {
    await using opened = await logIn(server, "/audit");
    const { page } = opened;
    await page.getByRole("button", { name: "More filters" }).click();
    await page.getByLabel("Kind").fill("policy");
    await page.getByRole("button", { name: "Apply" }).click();
    await page.waitForURL(/kind=policy/);
    await expect.poll(() => page.getByRole("option").first().textContent(), POLL).toContain("policy.denied");
    await page.getByRole("button", { name: "Remove the filter Kind" }).click();
    await page.getByRole("button", { name: "Verify" }).click();
    await page.getByText("Intact", { exact: true }).waitFor();
    expect(await axeViolations(page)).toEqual([]);
  });
});
