import satisfies from "semver/functions/satisfies.js";
import { LogoMeshError } from "@logomesh/contracts";

// Which plugins may run by what they need of each other, and in what order. One version of a plugin is there at a time, so a range either
// fits it or does not; a plugin whose dependency cannot run cannot run either.

export interface DependencyNode {
  id: string;
  version: string;
  /** Range by plugin id. */
  dependencies: Readonly<Record<string, string>>;
  /** Why it cannot run, whatever it needs. */
  unusable?: Unusable;
}

export interface Unusable {
  kind: "disabled" | "not-granted" | "incompatible";
  /** Follows "which": `is disabled. Enable it: …` */
  words: string;
}

export interface ResolvedDependencies {
  /** Ids of those that may run, each behind what it needs; by name where either order would do. */
  order: string[];
  /** Why the others may not. */
  problems: Map<string, LogoMeshError>;
}

export function resolveDependencies(nodes: readonly DependencyNode[]): ResolvedDependencies {
  const byId = new Map(nodes.map((node) => [node.id, node]));
  const problems = new Map<string, LogoMeshError>();
  const order: string[] = [];
  const done = new Set<string>();
  const path: string[] = [];
  const visit = (node: DependencyNode): void => {
    if (done.has(node.id)) return;
    path.push(node.id);
    for (const [needed, range] of Object.entries(node.dependencies).sort(byName)) {
      const from = path.indexOf(needed);
      const problem =
        from < 0 ? problemOf({ node, needed, range, byId, visit, problems }) : cycleOf([...path.slice(from), needed]);
      if (problem !== undefined && !problems.has(node.id)) problems.set(node.id, problem);
    }
    path.pop();
    done.add(node.id);
    if (!problems.has(node.id)) order.push(node.id);
  };
  for (const node of [...nodes].sort((a, b) => (a.id < b.id ? -1 : 1))) visit(node);
  return { order, problems };
}

interface Need {
  node: DependencyNode;
  needed: string;
  range: string;
  byId: ReadonlyMap<string, DependencyNode>;
  visit: (node: DependencyNode) => void;
  problems: ReadonlyMap<string, LogoMeshError>;
}

function problemOf({ node, needed, range, byId, visit, problems }: Need): LogoMeshError | undefined {
  const wants = `${node.id} needs ${needed} ${range}`;
  const data = { plugin: node.id, dependency: needed, range };
  const found = byId.get(needed);
  if (found === undefined)
    return dependencyError(
      `${wants}, which is not installed. Install it, for example with: logomesh plugin install <path>`,
      {
        ...{ ...data, kind: "missing" },
      },
    );
  if (!satisfies(found.version, range, { includePrerelease: true })) {
    const others = [...byId.values()]
      .filter(({ id, dependencies }) => id !== node.id && dependencies[needed] !== undefined)
      .map(({ id, dependencies }) => `${id} needs ${dependencies[needed] ?? ""}`);
    const also = others.length === 0 ? "" : ` (${others.join(", ")})`;
    return dependencyError(
      `${wants}, and ${found.version} is installed${also}. Install a version that fits them all.`,
      {
        ...{ ...data, kind: "conflict", installed: found.version },
      },
    );
  }
  if (found.unusable !== undefined)
    return dependencyError(`${wants}, which ${found.unusable.words}`, { ...data, kind: found.unusable.kind });
  visit(found);
  const cause = problems.get(needed);
  if (cause === undefined) return undefined;
  return dependencyError(`${wants}, which cannot run: ${cause.message}`, { ...data, kind: "blocked" });
}

function cycleOf(circle: readonly string[]): LogoMeshError {
  return dependencyError(
    `These plugins need each other in a circle: ${circle.join(" → ")}. One of them has to let go.`,
    {
      ...{ kind: "cycle", circle: [...circle] },
    },
  );
}

function dependencyError(message: string, data: Record<string, string | string[]>): LogoMeshError {
  return new LogoMeshError("LM_PLUGIN_DEPENDENCY", message, { data });
}

function byName([a]: [string, string], [b]: [string, string]): number {
  return a < b ? -1 : 1;
}
