import {
  LogoMeshError,
  type Actor,
  type DefineWorkflowResult,
  type InputProblem,
  type ValidateWorkflowResult,
  type WorkflowReference,
} from "@logomesh/contracts";
import type { Clock, Grants } from "../../ports/index.ts";
import type { ExpressionEvaluator } from "../expressions/index.ts";
import type { SchemaValidator } from "../interpreter/index.ts";
import { collectGrants, parseWorkflow, type ParsedWorkflow, type WorkflowDefinition } from "../language/index.ts";
import type { WorkflowStore } from "../store/workflowStore.ts";

/** Parsed definitions that are kept in memory. */
const DEFINITIONS_MAX = 200;

export interface DefinitionsOptions {
  store: WorkflowStore;
  grants: Grants;
  evaluator: ExpressionEvaluator;
  schemas: SchemaValidator;
  clock: Clock;
}

export interface DefineOptions {
  source: string;
  /** A file name in `workflows/`, or `api`; the newest text of a file wins under its version. */
  origin: string;
  isFile: boolean;
  actor: Actor;
  /** Whether what it names literally is granted with it. */
  grant: boolean;
}

/** Definitions: checked, stored by content, parsed once. */
export class Definitions {
  readonly #options: DefinitionsOptions;
  readonly #parsed = new Map<string, WorkflowDefinition>();
  /** Those among the parsed that have what they name: nothing takes that back from a definition. */
  readonly #granted = new WeakSet<WorkflowDefinition>();

  constructor(options: DefinitionsOptions) {
    this.#options = options;
  }

  async validate(source: string): Promise<ValidateWorkflowResult> {
    const { problems, warnings } = await this.#check(source);
    return { valid: problems.length === 0, problems, warnings };
  }

  /** @throws LogoMeshError LM_WORKFLOW_INVALID, LM_CONFLICT */
  async define(options: DefineOptions): Promise<DefineWorkflowResult> {
    const { definition, warnings } = await this.#parse(options.source);
    const grants = collectGrants(definition);
    const { namespace, name, version, hash } = definition;
    const stored = this.#options.store.getDefinition({ namespace, name, version });
    if (stored?.identity.hash !== hash || stored.source !== options.source)
      await this.#save(definition, { ...options, listed: true });
    if (options.grant) await this.grant(definition, options.actor);
    return {
      namespace,
      name,
      version,
      hash,
      warnings,
      grants: grants.map(({ action, resource }) => ({ action, resource })),
    };
  }

  /** Keeps a definition for one run, without giving its name to it. */
  async keep(source: string, actor: Actor): Promise<WorkflowDefinition> {
    const { definition } = await this.#parse(source);
    if (this.#options.store.getDefinitionByHash(definition.hash) === undefined)
      await this.#save(definition, { source, origin: "run", isFile: false, listed: false, actor });
    return definition;
  }

  /** Grants a definition what it names literally. Starting the same one again costs nothing. */
  async grant(definition: WorkflowDefinition, actor: Actor): Promise<void> {
    if (this.#granted.has(definition)) return;
    const grants = collectGrants(definition);
    if (grants.length > 0)
      await this.#options.grants.grantWorkflow({
        definitionHash: definition.hash,
        grants,
        grantedBy: `${actor.type}:${actor.id}`,
      });
    this.#granted.add(definition);
  }

  /** @throws LogoMeshError LM_WORKFLOW_NOT_FOUND */
  find(reference: WorkflowReference): WorkflowDefinition {
    const stored = this.#options.store.getDefinition(reference);
    if (stored === undefined) throw notFound(reference);
    return this.#cached(stored.identity.hash, stored.source);
  }

  /** The definition that a run is pinned to. @throws LogoMeshError LM_WORKFLOW_NOT_FOUND */
  byHash(hash: string): WorkflowDefinition {
    const known = this.#parsed.get(hash);
    if (known !== undefined) return known;
    const stored = this.#options.store.getDefinitionByHash(hash);
    if (stored === undefined) throw new LogoMeshError("LM_WORKFLOW_NOT_FOUND", `No definition with the hash ${hash}.`);
    return this.#cached(hash, stored.source);
  }

  #cached(hash: string, source: string): WorkflowDefinition {
    const known = this.#parsed.get(hash);
    if (known !== undefined) return known;
    const { definition, problems } = parseWorkflow(source);
    if (definition === undefined) throw invalid(problems);
    this.#remember(definition);
    return definition;
  }

  #remember(definition: WorkflowDefinition): void {
    const oldest = this.#parsed.size >= DEFINITIONS_MAX ? this.#parsed.keys().next().value : undefined;
    if (oldest !== undefined) this.#parsed.delete(oldest);
    this.#parsed.set(definition.hash, definition);
  }

  async #parse(source: string): Promise<ParsedWorkflow & { definition: WorkflowDefinition }> {
    const parsed = await this.#check(source);
    const { definition, problems } = parsed;
    if (definition === undefined || problems.length > 0) throw invalid(problems);
    this.#remember(definition);
    return { ...parsed, definition };
  }

  /** Parses, asks real jq about expressions the compiled form does not know, and compiles the schemas. */
  async #check(source: string): Promise<ParsedWorkflow> {
    const parsed = parseWorkflow(source);
    const problems = [...parsed.problems];
    for (const { source: expression, problem } of parsed.unchecked) {
      const fault = await this.#options.evaluator.check(expression);
      if (fault !== undefined) problems.push({ ...problem, message: fault });
    }
    for (const { pointer, schema } of schemasOf(parsed.definition)) {
      const fault = this.#options.schemas.check(schema);
      if (fault !== undefined) problems.push({ pointer, message: `the schema cannot be used: ${fault}` });
    }
    return { ...parsed, problems };
  }

  async #save(
    definition: WorkflowDefinition,
    options: Omit<DefineOptions, "grant"> & { listed: boolean },
  ): Promise<void> {
    const { namespace, name, version, hash, source, document, title, summary } = definition;
    const { origin, isFile, listed, actor } = options;
    const data = { workflow: `${namespace}/${name}`, version, definition: hash, origin };
    const payload = { source: { bytes: source, media: "application/yaml" } };
    await this.#options.store.saveDefinition(
      {
        ...{ namespace, name, version, hash, source, document, title, summary, origin, listed },
        createdAtMs: this.#options.clock.nowMs(),
        replace: isFile,
      },
      { audit: { kind: "workflow.defined", actor, data, payload } },
    );
  }
}

function schemasOf(
  definition: WorkflowDefinition | undefined,
): { pointer: string; schema: WorkflowDefinition["document"] }[] {
  if (definition === undefined) return [];
  const named = (pointer: string, schema: { document: WorkflowDefinition["document"] } | undefined) =>
    schema === undefined ? [] : [{ pointer, schema: schema.document }];
  return [
    ...named("/input/schema/document", definition.inputSchema),
    ...named("/output/schema/document", definition.outputSchema),
    ...[...definition.tasksByReference.values()].flatMap((task) => [
      ...named(`${task.reference}/input/schema/document`, task.inputSchema),
      ...named(`${task.reference}/output/schema/document`, task.outputSchema),
      ...named(`${task.reference}/export/schema/document`, task.exportSchema),
    ]),
  ];
}

function invalid(problems: readonly InputProblem[]): LogoMeshError {
  const [first] = problems;
  const place = first?.line === undefined ? "" : ` (line ${first.line}, column ${first.column ?? 1})`;
  const more = problems.length > 1 ? ` and ${problems.length - 1} more` : "";
  return new LogoMeshError("LM_WORKFLOW_INVALID", `${first?.message ?? "The definition is not valid"}${place}${more}`, {
    problems: [...problems],
  });
}

export function notFound({ namespace, name, version }: WorkflowReference): LogoMeshError {
  const which = version === undefined ? "" : ` in version ${version}`;
  return new LogoMeshError("LM_WORKFLOW_NOT_FOUND", `No workflow ${namespace}/${name}${which}.`);
}
