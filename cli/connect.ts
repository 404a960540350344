import { LogoMeshError } from "@logomesh/contracts";
import type { CliContext, Connection } from "./context.ts";

/** The workbench that runs on the workspace. @throws LogoMeshError LM_API_NO_SERVER, LM_WORKSPACE_INVALID */
export async function connect({ workbenches, env, root }: CliContext): Promise<Connection> {
  const found = await workbenches.find({ env, root });
  if (found !== undefined) return found;
  throw new LogoMeshError("LM_API_NO_SERVER", `Nothing serves the workspace ${root}.`);
}
