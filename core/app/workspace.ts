import { chmodSync, cpSync, existsSync, mkdirSync, readFileSync, readdirSync, statSync } from "node:fs";
import { homedir } from "node:os";
import { basename, join, resolve } from "node:path";
import { LogoMeshError } from "@logomesh/contracts/errors";

/** Where everything of a workspace is. */
export interface WorkspacePaths {
  root: string;
  config: string;
  constitution: string;
  plugins: string;
  workflows: string;
  /** `.logomesh`, 0700: database, copies of plugins, keys, token. */
  state: string;
  database: string;
  keys: string;
  stagedPlugins: string;
  /** What plugins keep, by id. */
  pluginData: string;
  token: string;
  secrets: string;
  serverFile: string;
}

/** What a clone of LogoMesh brings along and `init` copies. */
export interface BundledPaths {
  /** templates/workspace */
  template: string;
  /** Folders of the sample plugins. */
  plugins: readonly string[];
  /** workflows/ */
  workflows: string;
}

/** The clone that this file belongs to. */
export const REPOSITORY = resolve(import.meta.dirname, "../..");

/** Version of LogoMesh: that of its package. */
export function readVersion(): string {
  return (JSON.parse(readFileSync(join(REPOSITORY, "package.json"), "utf8")) as { version: string }).version;
}

export function workspacePaths(root: string): WorkspacePaths {
  const absolute = resolve(root);
  const state = join(absolute, ".logomesh");
  return {
    root: absolute,
    config: join(absolute, "logomesh.yaml"),
    constitution: join(absolute, "constitution.cedar"),
    plugins: join(absolute, "plugins"),
    workflows: join(absolute, "workflows"),
    state,
    database: join(state, "logomesh.db"),
    keys: join(state, "keys"),
    stagedPlugins: join(state, "plugins"),
    pluginData: join(state, "plugin-data"),
    token: join(state, "token"),
    secrets: join(state, "secrets.json"),
    serverFile: join(state, "server.json"),
  };
}

/** What the clone brings along. */
export function bundledPaths(): BundledPaths {
  return {
    template: join(REPOSITORY, "templates/workspace"),
    plugins: ["text-tools", "data-stats", "log-triage"].map((name) => join(REPOSITORY, "plugins", name)),
    workflows: join(REPOSITORY, "workflows"),
  };
}

/** Folder outside every workspace for what must survive a rewritten workspace. */
export function stateHome(env: { XDG_STATE_HOME?: string | undefined }): string {
  const base = env.XDG_STATE_HOME;
  return join(base !== undefined && base.startsWith("/") ? base : join(homedir(), ".local/state"), "logomesh");
}

/** @throws LogoMeshError LM_WORKSPACE_INVALID when the folder is not a workspace */
export function requireWorkspace(root: string): WorkspacePaths {
  const paths = workspacePaths(root);
  if (!existsSync(paths.config)) {
    throw new LogoMeshError(
      "LM_WORKSPACE_INVALID",
      `${paths.root} is not a workspace: it has no logomesh.yaml. Make one with \`logomesh init ${paths.root}\`.`,
    );
  }
  mkdirSync(paths.state, { recursive: true, mode: 0o700 });
  // Also when the folder was there before: nobody else reads the database, the keys or the token.
  chmodSync(paths.state, 0o700);
  return paths;
}

/** Files of a sample that belong to its source tree and not to a workspace. */
const NOT_COPIED = /(^|\/)(node_modules|dist|__pycache__|tests?)(\/|$)|\.test\.tsx?$/;

/**
 * Copies the template and the samples into an empty or missing folder.
 * @throws LogoMeshError LM_WORKSPACE_INVALID when the folder holds anything
 */
export function copyWorkspaceTemplate(root: string, bundled: BundledPaths): WorkspacePaths {
  const paths = workspacePaths(root);
  if (existsSync(paths.config)) {
    throw new LogoMeshError("LM_WORKSPACE_INVALID", `${paths.root} is a workspace already; nothing was changed.`);
  }
  if (existsSync(paths.root) && (!statSync(paths.root).isDirectory() || readdirSync(paths.root).length > 0)) {
    throw new LogoMeshError(
      "LM_WORKSPACE_INVALID",
      `${paths.root} is not an empty folder. Choose another one; nothing was changed.`,
    );
  }
  mkdirSync(paths.state, { recursive: true, mode: 0o700 });
  const copy = (from: string, to: string, except?: RegExp): void => {
    const wanted = (source: string): boolean => !NOT_COPIED.test(source) && except?.test(source) !== true;
    cpSync(from, to, { recursive: true, filter: (source) => wanted(source.slice(from.length)) });
  };
  for (const plugin of bundled.plugins) copy(plugin, join(paths.plugins, basename(plugin)));
  copy(bundled.workflows, paths.workflows);
  copy(bundled.template, paths.root, /(^|\/)logomesh\.yaml$/);
  // Last: a folder with a logomesh.yaml is a whole workspace.
  cpSync(join(bundled.template, "logomesh.yaml"), paths.config);
  return paths;
}
