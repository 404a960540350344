import { LogoMeshError } from "@logomesh/contracts";
import { connect } from "../connect.ts";
import type { Command } from "../context.ts";
import { table } from "../output/style.ts";
import { visibleLine } from "../output/text.ts";

const list: Command = {
  usage: "",
  summary: "List tokens: who may ask this workbench, and what",
  async run({ json }, context) {
    const { client } = await connect(context);
    const { items } = await client.listTokens();
    if (json) {
      context.printJson({ items });
      return 0;
    }
    const rows = items.map(({ id, name, scopes, tools = [], expiresAt, lastUsedAt }) => [
      ...[id, visibleLine(name), scopes.join(" ")],
      context.style.dim(`${expiresAt === undefined ? "no end" : `until ${expiresAt}`}, ${lastUse(lastUsedAt)}`),
      visibleLine(tools.join(" ")),
    ]);
    table(rows).forEach(context.print);
    return 0;
  },
};

function lastUse(lastUsedAt: string | undefined): string {
  return lastUsedAt === undefined ? "never used" : `used ${lastUsedAt}`;
}

const revoke: Command = {
  usage: "<id|name>",
  summary: "Revoke a token: from now on it is worth nothing",
  positionals: { min: 1, max: 1 },
  async run({ positionals: [wanted = ""], json }, context) {
    const { client } = await connect(context);
    const { items } = await client.listTokens();
    const found = items.filter(({ id, name }) => id === wanted || name === wanted);
    const [only] = found;
    if (only === undefined)
      throw new LogoMeshError("LM_NOT_FOUND", `There is no token ${wanted}. See: logomesh token list`);
    if (found.length > 1) {
      const ids = found.map(({ id }) => id).join(", ");
      throw new LogoMeshError(
        "LM_CONFLICT",
        `${found.length} tokens have the name ${wanted}. Give the id of one: ${ids}`,
      );
    }
    await client.deleteToken({ params: { id: only.id } });
    if (json) context.printJson({ id: only.id });
    else context.print(`${context.style.green("✓")} ${visibleLine(only.name)} (${only.id}) is revoked`);
    return 0;
  },
};

export const tokenCommands = { "token list": list, "token revoke": revoke };
