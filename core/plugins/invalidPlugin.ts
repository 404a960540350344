import { ResourceLimitsSchema, type LogoMeshError, type Plugin } from "@logomesh/contracts";

/** A folder that is no usable plugin, in the form of the list: its problem says why. */
export function describeInvalid(folderName: string, error: LogoMeshError): Plugin {
  return {
    ...{
      id: folderName,
      name: folderName,
      version: "0.0.0",
      description: "",
      runtime: "nodejs",
      securityLevel: "sandbox",
    },
    ...{ sha256: "", state: "invalid", stateReason: error.message, sandboxed: false, group: "user", granted: false },
    ...{ enabled: true, command: [], dependencies: {}, activation: [], development: false },
    ...{ permissions: {}, limits: ResourceLimitsSchema.parse({}), tools: [] },
    usage: { memoryBytes: 0, cpuPercent: 0, processes: 0, calls: 0, errors: 0, violations: 0 },
    problem: error.toProblem(),
  };
}
