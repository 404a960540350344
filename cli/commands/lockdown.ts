import type { Lockdown } from "@logomesh/contracts";
import { connect } from "../connect.ts";
import type { CliContext, Command } from "../context.ts";
import { visibleBlock, visibleLine } from "../output/text.ts";

const on: Command = {
  usage: "[reason]",
  summary: "Stop everything privileged at once: plugins, runs, models, files, network",
  positionals: { min: 0, max: 1 },
  examples: ['logomesh lockdown on "A plugin does strange things"'],
  async run({ positionals: [reason], json }, context) {
    const { client } = await connect(context);
    return show(await client.beginLockdown({ body: reason === undefined ? {} : { reason } }), { json, context });
  },
};

const off: Command = {
  usage: "",
  summary: "Leave the lockdown; the runs that it stopped go on",
  async run({ json }, context) {
    const { client } = await connect(context);
    return show(await client.endLockdown(), { json, context });
  },
};

const status: Command = {
  usage: "",
  summary: "Say whether there is a lockdown, since when, why, and how to leave it",
  async run({ json }, context) {
    const { client } = await connect(context);
    return show(await client.getLockdown(), { json, context });
  },
};

function show(lockdown: Lockdown, { json, context }: { json: boolean; context: CliContext }): number {
  const { print, style } = context;
  if (json) context.printJson(lockdown);
  else if (!lockdown.on) print(`${style.green("✓")} No lockdown`);
  else {
    print(`${style.red("■ Locked down")} since ${lockdown.setAt} by ${visibleLine(lockdown.setBy)}`);
    print(`  ${visibleBlock(lockdown.reason, "  ")}`);
    print(`  To leave: ${visibleLine(lockdown.leave)}`);
  }
  return 0;
}

export const lockdownCommands = { "lockdown on": on, "lockdown off": off, "lockdown status": status };
