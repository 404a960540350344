import { z } from "zod";
import { LogoMeshError } from "@logomesh/contracts";

// The block that other MCP hosts keep in their settings: `{"mcpServers": {"files": {"command": "npx", "args": ["-y", "pkg", "/path"]}}}`.
// Its command is never run as it stands: what it would fetch becomes a bundle, and runs in the sandbox.

const ServerSchema = z.object({
  command: z.string().min(1),
  args: z.array(z.string()).default([]),
  env: z.record(z.string(), z.string()).default({}),
});
const BlockSchema = z.object({ mcpServers: z.record(z.string(), ServerSchema) });

export interface ServerImport {
  /** As `importNpm` takes it. */
  spec: string;
  args: string[];
  /** Names only: values are not taken over, they are secrets more often than not. */
  environment: string[];
}

/** @throws LogoMeshError LM_INPUT_INVALID for another text, LM_PLUGIN_IMPORT for a command that cannot be taken over */
export function readMcpServers(text: string, server: string | undefined): ServerImport {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw new LogoMeshError("LM_INPUT_INVALID", `The settings are not JSON: ${String(error)}.`);
  }
  const block = BlockSchema.safeParse(value);
  if (!block.success)
    throw new LogoMeshError(
      "LM_INPUT_INVALID",
      `The settings have no block {"mcpServers": {"<name>": {"command", "args"}}}.`,
    );
  const names = Object.keys(block.data.mcpServers);
  const name = server ?? (names.length === 1 ? names[0] : undefined);
  const found = name === undefined ? undefined : block.data.mcpServers[name];
  if (found === undefined)
    throw new LogoMeshError(
      "LM_INPUT_INVALID",
      `Name one of the servers with --server: ${names.join(", ") || "there is none"}.`,
    );
  return { ...npxOf(found), environment: Object.keys(found.env) };
}

function npxOf({ command, args }: z.infer<typeof ServerSchema>): { spec: string; args: string[] } {
  const shown = [command, ...args].join(" ");
  if (!/(^|\/)npx(\.cmd)?$/.test(command))
    throw new LogoMeshError(
      "LM_PLUGIN_IMPORT",
      `\`${shown}\` is not taken over: only npx commands are. Make a folder with a plugin.json of it: logomesh plugin create.`,
    );
  const [spec, ...rest] = args.filter((arg, index) => !(index < 2 && ["-y", "--yes"].includes(arg)));
  if (spec === undefined || spec.startsWith("-"))
    throw new LogoMeshError("LM_PLUGIN_IMPORT", `\`${shown}\` names no package where one is expected.`);
  return { spec, args: rest };
}
