import { existsSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import { chromium, type Browser, type Page } from "playwright-core";
import { afterAll, beforeAll, expect, test } from "vitest";
import {
  createTestWorkspace,
  startWorkbench,
  type TestWorkspace,
  type WorkbenchProcess,
} from "../support/workbenchProcess.ts";

// The page as a newcomer uses it, in a real browser, against a real workbench.

const CHROMIUM = "/usr/bin/chromium";
const FLAGS = [
  "--no-sandbox",
  "--disable-gpu",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];
const PICTURES = join(import.meta.dirname, "../../test-results/pictures");

let workspace: TestWorkspace;
let workbench: WorkbenchProcess;
let browser: Browser;
let page: Page;
const faults: string[] = [];

beforeAll(async () => {
  expect(existsSync(CHROMIUM), "apt-get install chromium").toBe(true);
  mkdirSync(PICTURES, { recursive: true });
  workspace = await createTestWorkspace();
  workbench = await startWorkbench(workspace);
  browser = await chromium.launch({ executablePath: CHROMIUM, args: FLAGS });
  page = await browser.newPage({ viewport: { width: 1280, height: 860 }, colorScheme: "light" });
  page.on("console", (message) => {
    if (message.type() === "error") faults.push(message.text());
  });
  page.on("pageerror", (error) => faults.push(error.message));
});

afterAll(async () => {
  await browser.close();
  await workbench.kill("SIGINT");
  workspace[Symbol.dispose]();
});

async function linkOf({ client }: WorkbenchProcess): Promise<string> {
  return (await client.createLoginCode()).url;
}

test("a page without a login says how to get one", async () => {
  const stranger = await browser.newPage();
  await stranger.goto(workbench.url);
  await stranger.getByText("script/logomesh login").first().waitFor();
  await stranger.close();
});

test("the login link logs in once and leaves no code in the address", async () => {
  const link = await linkOf(workbench);
  await page.goto(link);
  await page.getByRole("button", { name: "Run the sample" }).waitFor();
  expect(page.url()).not.toContain("code=");
  const second = await browser.newContext();
  const late = await second.newPage();
  await late.goto(link);
  await late.getByText("script/logomesh login").first().waitFor();
  await second.close();
});

test("the sample runs from the page, its tasks light up, and the digest and the mock label are there", async () => {
  await page.getByRole("button", { name: "Run the sample" }).click();
  await page.waitForURL(/\/runs\/run_/);
  await page.getByRole("heading", { name: "reading-digest" }).waitFor();
  await page.getByText("keep", { exact: true }).first().waitFor();
  await page.screenshot({ path: join(PICTURES, "run-live.png") });
  await page.getByText("Completed").nth(13).waitFor({ timeout: 30_000 });
  expect(await page.getByText("mock").count()).toBeGreaterThan(0);
  await page.screenshot({ path: join(PICTURES, "run.png") });
  await page.getByRole("tab", { name: "Input and output" }).click();
  await page.getByText("Digest:").first().waitFor();
});

test("a task shows its input and output, and which model answered", async () => {
  await page.getByRole("tab", { name: "Tasks" }).click();
  await page.getByRole("cell", { name: "ask", exact: true }).getByText("ask").click();
  await page.getByText("deliberately").first().waitFor();
});

test.each([
  ["workflows", "reading-digest"],
  ["plugins", "Text tools"],
  ["audit", "run.completed"],
])("the page of %s lists what there is", async (path, text) => {
  await page.goto(`${workbench.url}/${path}`);
  await page.getByText(text).first().waitFor();
  await page.screenshot({ path: join(PICTURES, `${path}.png`) });
});

test("the log is verified from the page", async () => {
  await page.goto(`${workbench.url}/audit`);
  await page
    .getByRole("button", { name: /verify/i })
    .first()
    .click();
  await page
    .getByText(/whole|unchanged|verified/i)
    .first()
    .waitFor();
});

test("a run goes on after a kill, and the open page sees it end", async () => {
  const run = await workbench.client.startRun({
    body: {
      workflow: { namespace: "default", name: "reading-digest" },
      input: { text: "Rivers carve valleys. Rivers carry sand.", name: "rivers" },
    },
  });
  await page.goto(`${workbench.url}/runs/${run.id}`);
  await workbench.kill("SIGKILL");
  workbench = await startWorkbench(workspace);
  await page.getByText("Completed").nth(11).waitFor({ timeout: 60_000 });
});

test("no page put an error on the console", () => {
  // While the workbench was down, the page could not reach it: that is what the connection light shows.
  expect(
    faults.filter(
      (text) => !/ERR_CONNECTION_REFUSED|WebSocket connection|ERR_EMPTY_RESPONSE|ERR_CONNECTION_RESET/.test(text),
    ),
  ).toEqual([]);
});
