import { resolve } from "node:path";
import type { Client } from "@logomesh/contracts/client";
import { createLogger, diagnose, initWorkspace } from "@logomesh/core";
import { connect } from "../connect.ts";
import type { CliContext, Command } from "../context.ts";
import { table } from "../output/style.ts";
import { startWorkbench } from "../workbench.ts";

const init: Command = {
  usage: "[folder]",
  summary: "Make a workspace with samples, keys and log",
  positionals: { min: 0, max: 1 },
  async run({ positionals, json }, context) {
    const root = resolve(positionals[0] ?? context.root);
    const { paths, plugins, workflows } = await initWorkspace({
      root,
      environment: context.env,
      logger: createLogger({ level: "error" }),
    });
    if (json) {
      context.print(JSON.stringify({ root: paths.root, plugins, workflows }));
      return 0;
    }
    const { style } = context;
    context.print(`${style.green("✓")} A new workspace is in ${style.bold(paths.root)}`);
    context.print("");
    context.print("Sample plugins, granted what they ask for (change it any time with `logomesh plugin revoke`):");
    for (const { id, version, permissions } of plugins)
      context.print(
        `  ${id} ${version}: ${Object.keys(permissions).join(", ") || "nothing but its own computing: no files, no network, no model"}`,
      );
    context.print("Sample workflows, granted what they name:");
    for (const { name, grants } of workflows)
      context.print(`  ${name}: ${grants.map(({ action, resource }) => `${action} ${resource}`).join(", ")}`);
    context.print("");
    return 0;
  },
};

const start: Command = {
  usage: "",
  summary: "Start the workbench and print a link that logs a browser in",
  async run({ json }, context) {
    const started = await startWorkbench(context);
    try {
      const link = started.server.createLoginLink();
      if (json) context.print(JSON.stringify({ url: started.server.url, loginLink: link, pid: process.pid }));
      else await greet(context, { client: started.connection.client, url: started.server.url, link });
      const ended = Promise.withResolvers<undefined>();
      context.signal.addEventListener("abort", () => ended.resolve(undefined), { once: true });
      if (context.signal.aborted) ended.resolve(undefined);
      const failure = await Promise.race([ended.promise, started.failed]);
      if (failure !== undefined) throw failure;
      if (!json) context.note("Stopping: runs in progress go on at the next start.");
    } finally {
      await started[Symbol.asyncDispose]();
    }
    return 0;
  },
};

async function greet(
  context: CliContext,
  { client, url, link }: { client: Client; url: string; link: string },
): Promise<void> {
  const { style, print } = context;
  const { model, sandbox, workspace } = await client.getStatus();
  print(`${style.bold("LogoMesh")} serves ${workspace} on ${style.bold(url)}`);
  print("");
  print(`  Log in:   ${style.cyan(link)}`);
  print(style.dim("            (works once, within ten minutes; `script/logomesh login` prints another)"));
  print(
    `  Model:    ${model.simulated ? style.yellow("mock, answers are simulated") : `${model.model} (${model.provider})`}`,
  );
  if (model.hint !== undefined) print(`            ${model.hint}`);
  print(
    `  Sandbox:  ${sandbox.available ? sandbox.detail : style.red(`none, plugins are refused. ${sandbox.detail}`)}`,
  );
  print("");
  print("  Try it:   script/logomesh run reading-digest --input-file workflows/samples/walden.md --watch");
  print("  Stop:     Ctrl-C");
}

const login: Command = {
  usage: "",
  summary: "Print a new link that logs a browser in, once",
  async run({ json }, context) {
    const { client } = await connect(context);
    const { url, expiresAt } = await client.createLoginCode();
    context.print(json ? JSON.stringify({ url, expiresAt }) : url);
    return 0;
  },
};

const doctor: Command = {
  usage: "",
  summary: "Check runtimes, sandbox, model and workspace, and say how to mend what is wrong",
  async run({ json }, context) {
    const found = await diagnose({
      root: context.root,
      environment: context.env,
      logger: createLogger({ level: "silent" }),
    });
    if (json) context.print(JSON.stringify({ checks: found }));
    else {
      const { style } = context;
      const icons = { ok: style.green("✓"), warn: style.yellow("!"), fail: style.red("✗") };
      const rows = found.map(({ name, status, detail }) => [icons[status], name, detail]);
      const lines = table(rows);
      found.forEach(({ fix }, index) => {
        context.print(lines[index] ?? "");
        if (fix !== undefined) context.print(`   → ${fix}`);
      });
    }
    return found.some(({ status }) => status === "fail") ? 1 : 0;
  },
};

export const workbenchCommands = { init, start, login, doctor };
