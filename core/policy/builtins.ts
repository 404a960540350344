/** How many calls deep a chain may go. */
export const CALL_DEPTH_MAX = 4;

/** Ids that start so belong to the workbench; a constitution cannot take them. */
export const RESERVED_ID = /^(default|builtin|grant):/;

/** Places below the workspace that decide what is allowed, or that other tools execute. */
const PROTECTED_PATHS = [
  ...[".logomesh", ".logomesh/*", "plugins", "plugins/*", "workflows", "workflows/*", "models", "models/*"],
  ...["constitution.cedar", "logomesh.yaml"],
  ...[".git", ".vscode", ".github"].flatMap((folder) => [folder, `${folder}/*`, `*/${folder}`, `*/${folder}/*`]),
  ...[".bashrc", ".bash_profile", ".profile", ".zshrc", ".zprofile", ".envrc", "package.json"].flatMap((file) => [
    file,
    `*/${file}`,
  ]),
];

const protectedPaths = PROTECTED_PATHS.map((path) => `resource.lowerPath like "${path}"`).join(" || ");

/** What is permitted without any grant, and what no grant permits. By id. */
export const BUILTIN_POLICIES: Readonly<Record<string, string>> = {
  "default:admin": `@why("An admin token may use every plugin, model, thought and workflow, and publish events.")
permit (
  principal is Client,
  action in [Action::"plugin.call", Action::"plugin.start", Action::"llm.generate", Action::"thought.read", Action::"thought.write", Action::"workflow.read", Action::"workflow.run", Action::"event.publish"],
  resource
) when { principal.scopes.contains("admin") };`,
  "default:run": `@why("A run token may start workflows, call plugin tools and publish events.")
permit (
  principal is Client,
  action in [Action::"plugin.call", Action::"plugin.start", Action::"workflow.run", Action::"event.publish"],
  resource
) when { principal.scopes.contains("run") };`,
  "default:llm": `@why("An llm token may ask models.")
permit (principal is Client, action == Action::"llm.generate", resource) when { principal.scopes.contains("llm") };`,
  "default:mcp": `@why("An mcp token may read thoughts, and read and start workflows.")
permit (
  principal is Client,
  action in [Action::"thought.read", Action::"workflow.read", Action::"workflow.run"],
  resource
) when { principal.scopes.contains("mcp") };`,
  "default:mcp-tools": `@why("An mcp token may call the plugin tools that it was made for.")
permit (principal is Client, action == Action::"plugin.call", resource)
when { principal.scopes.contains("mcp") && principal.tools.contains(resource) };`,
  "default:start-self": `@why("A granted plugin may start itself.")
permit (principal is Plugin, action == Action::"plugin.start", resource) when { principal == resource };`,
  "default:through-plugin": `@why("Who may call a plugin's tool may have the plugin do what it was granted itself. A plugin gains nothing from calling another.")
permit (
  principal,
  action in [Action::"fs.read", Action::"fs.propose", Action::"net.fetch", Action::"llm.generate", Action::"model.propose", Action::"thought.read", Action::"thought.write", Action::"event.publish", Action::"event.subscribe"],
  resource
) when {
  context.throughPlugin &&
  (principal is Workflow || (principal is Client && (principal.scopes.contains("admin") || principal.scopes.contains("run") || (principal.scopes.contains("mcp") && !principal.tools.isEmpty()))))
};`,
  "builtin:granted-bundle": `@why("This exact version of the plugin has not been granted. Review and grant it first.")
forbid (principal, action == Action::"plugin.start", resource) unless { context.granted };`,
  "builtin:call-depth": `@why("Calls are at most ${CALL_DEPTH_MAX} deep.")
forbid (principal, action, resource) when { context.callDepth > ${CALL_DEPTH_MAX} };`,
  "builtin:protected-files": `@why("The workbench's own files, and files that other tools execute, are closed to everyone.")
forbid (principal, action in Action::"fs.any", resource) when { ${protectedPaths} };`,
  "builtin:link-local": `@why("Link-local and metadata addresses are closed to everyone.")
forbid (principal, action == Action::"net.fetch", resource) when { resource.reach == "link-local" };`,
};
