/** A browser for tests of the page: Debian's Chromium, one context for each test, and what went wrong in its console. */
import { existsSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import type Axe from "axe-core";
import type { Result } from "axe-core";
import { chromium, type Browser, type BrowserContext, type BrowserContextOptions, type Page } from "playwright-core";

const CHROMIUM = process.env["LOGOMESH_CHROMIUM"] ?? "/usr/bin/chromium";

const AXE = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

/** Tests of the page do not run, and are shown as not run, where there is no browser. */
export const HAS_BROWSER = existsSync(CHROMIUM);

export async function launchBrowser(): Promise<Browser> {
  return chromium.launch({ executablePath: CHROMIUM, args: ["--headless", "--no-sandbox", "--disable-gpu"] });
}

export const WIDE = { width: 1360, height: 860 };

export interface TestPage extends AsyncDisposable {
  page: Page;
  context: BrowserContext;
  /** Errors and warnings of the console, uncaught exceptions. */
  complaints: string[];
}

export async function openPage(browser: Browser, options: BrowserContextOptions = {}): Promise<TestPage> {
  const context = await browser.newContext({
    viewport: WIDE,
    reducedMotion: "reduce",
    ...options,
  });
  const page = await context.newPage();
  page.setDefaultTimeout(15_000);
  const complaints: string[] = [];
  page.on("console", (message) => {
    if (["error", "warning"].includes(message.type())) complaints.push(message.text());
  });
  page.on("pageerror", (error) => complaints.push(String(error)));
  return { page, context, complaints, [Symbol.asyncDispose]: () => context.close() };
}

/** What axe objects to, one line for each element; by all rules, or only those named. */
export async function axeViolations(page: Page, rules: string[] = []): Promise<string[]> {
  // Stays in the page until it is left; the page's own policy would not let it in by a script element.
  if (!(await page.evaluate("'axe' in globalThis"))) await page.evaluate(AXE);
  const violations = await page.evaluate(async (runOnly): Promise<Result[]> => {
    // Colours that are on their way to others are nobody's fault; a blinking caret never ends.
    const moving = document.getAnimations().filter(({ effect }) => effect?.getComputedTiming().endTime !== Infinity);
    await Promise.allSettled(moving.map(({ finished }) => finished));
    const { axe } = globalThis as unknown as { axe: typeof Axe };
    // Descriptions of all that is well would take longer than the checks.
    const found = await axe.run({
      ...{ resultTypes: ["violations"], preload: false },
      ...(runOnly.length === 0 ? {} : { runOnly }),
    });
    return found.violations;
  }, rules);
  return violations.flatMap(({ id, nodes }) =>
    nodes.map((node) => `${id}: ${node.target.join(" ")} ${node.any[0]?.message ?? node.failureSummary ?? ""}`),
  );
}
