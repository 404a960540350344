import { relative, resolve } from "node:path";
import type { SystemStatus } from "@logomesh/contracts";
import { createLogger, diagnose, initWorkspace } from "@logomesh/core";
import { connect } from "../connect.ts";
import type { CliContext, Command } from "../context.ts";
import { table } from "../output/style.ts";
import { visibleBlock, visibleLine } from "../output/text.ts";

const init: Command = {
  usage: "[folder]",
  summary: "Make a workspace with samples, keys and log",
  positionals: { min: 0, max: 1 },
  async run({ positionals: [folder], json }, context) {
    const { cwd, env, style, print } = context;
    const root = folder === undefined ? context.root : resolve(cwd, folder);
    const logger = createLogger({ level: "error" });
    const { paths, plugins, workflows } = await initWorkspace({ root, environment: env, logger });
    if (json) {
      context.printJson({ root: paths.root, plugins, workflows });
      return 0;
    }
    print(`${style.green("✓")} A new workspace is in ${style.bold(visibleLine(paths.root))}`);
    print("");
    print("Sample plugins, granted what they ask for (take it back with: logomesh plugin revoke <plugin>)");
    for (const { id, version, permissions } of plugins) {
      const asked = Object.keys(permissions).join(", ");
      print(`  ${id} ${version}: ${asked || "nothing but its own computing: no files, no network, no model"}`);
    }
    print("Sample workflows, granted what they name:");
    for (const { name, grants } of workflows) {
      print(`  ${name}`);
      table(grants.map(({ action, resource }) => [`    ${action}`, resource])).forEach(print);
    }
    if (folder !== undefined && root !== context.root) {
      print("");
      print(`Start it with: LOGOMESH_WORKSPACE=${relative(cwd, root) || "."} logomesh start`);
    }
    return 0;
  },
};

const start: Command = {
  usage: "[--dev]",
  summary: "Start the workbench and print a link that logs a browser in",
  options: { dev: { type: "boolean", help: "plugins of level dev-only may run, where you granted it" } },
  examples: ["LOGOMESH_PORT=7500 logomesh start", "LOGOMESH_LOG=info logomesh start"],
  async run({ json, values }, context) {
    const { workbenches, env, root, signal } = context;
    // A person reads the greeting; who wants the log on the terminal as well says so.
    const logLevel = context.isInteractive && (env.LOGOMESH_LOG ?? "") === "" ? { LOGOMESH_LOG: "warn" } : {};
    const overrides = values.dev === true ? { isDevelopment: true as const } : {};
    await using started = await workbenches.start({ env: { ...env, ...logLevel }, root }, overrides);
    const { url } = started.connection;
    const loginLink = started.createLoginLink();
    if (json) context.printJson({ url, loginLink, pid: process.pid });
    else {
      // It looks for models, which may take a while; who stops meanwhile does not wait for it.
      const status = await Promise.race([started.status(), untilAborted(signal)]);
      if (status !== undefined) greet(status, { context, url, loginLink });
    }
    const failure = await Promise.race([untilAborted(signal), started.failed]);
    if (failure !== undefined) throw failure;
    context.note("Stopping. Runs that have not ended go on at the next start.");
    return 0;
  },
};

function untilAborted(signal: AbortSignal): Promise<undefined> {
  return new Promise((resolveAborted) => {
    if (signal.aborted) resolveAborted(undefined);
    signal.addEventListener("abort", () => resolveAborted(undefined), { once: true });
  });
}

function greet(
  { model, sandbox, workspace, lockdown }: SystemStatus,
  { context, url, loginLink }: { context: CliContext; url: string; loginLink: string },
): void {
  const { style, print } = context;
  print(`${style.bold("LogoMesh")} serves ${visibleLine(workspace)} on ${style.bold(url)}`);
  print("");
  print(`  Log in:   ${style.cyan(loginLink)}`);
  print(style.dim("            works once, within ten minutes; another: script/logomesh login"));
  print(`  Model:    ${model.simulated ? style.yellow("mock, no real model answers") : modelText(model)}`);
  if (model.hint !== undefined) print(`            ${visibleBlock(model.hint, "            ")}`);
  print(
    `  Sandbox:  ${sandbox.available ? sandbox.detail : style.red(`none, plugins are refused. ${sandbox.detail}`)}`,
  );
  if (lockdown.on) {
    print(`  ${style.red("Locked down:")} ${visibleBlock(lockdown.reason, "            ")}`);
    print(`            Nothing privileged runs. To leave: ${visibleLine(lockdown.leave)}`);
  }
  print("");
  print("  Try it:   script/logomesh run reading-digest --input-file workflows/samples/walden.md --watch");
  print("  Stop:     Ctrl-C");
}

function modelText({ model, provider }: SystemStatus["model"]): string {
  return `${visibleLine(model)} (${visibleLine(provider)})`;
}

const login: Command = {
  usage: "",
  summary: "Print a new link that logs a browser in, once",
  async run({ json }, context) {
    const { client } = await connect(context);
    const { url, expiresAt } = await client.createLoginCode({ signal: context.signal });
    if (json) context.printJson({ url, expiresAt });
    else context.print(url);
    return 0;
  },
};

const doctor: Command = {
  usage: "",
  summary: "Check runtimes, sandbox, model and workspace, and say how to mend what is wrong",
  async run({ json }, context) {
    const { root, env, style } = context;
    const checks = await diagnose({ root, environment: env, logger: createLogger({ level: "silent" }) });
    if (json) context.printJson({ checks });
    else {
      const icons = { ok: style.green("✓"), warn: style.yellow("!"), fail: style.red("✗") };
      const lines = table(checks.map(({ name, status, detail }) => [icons[status], name, visibleLine(detail)]));
      for (const [index, { fix }] of checks.entries()) {
        context.print(lines[index] ?? "");
        if (fix !== undefined) context.print(`   → ${visibleBlock(fix, "     ")}`);
      }
    }
    return checks.some(({ status }) => status === "fail") ? 1 : 0;
  },
};

export const workbenchCommands = { init, start, login, doctor };
