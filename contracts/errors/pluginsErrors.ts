import { defineErrors } from "./defineErrors.ts";

export const PLUGIN_ERRORS = defineErrors({
  LM_PLUGIN_MANIFEST_INVALID: {
    status: 422,
    title: "The plugin manifest is not valid",
    retryable: false,
    help: "`problems` names the field, the value and the fix. The schema is contracts/plugins/pluginManifest.schema.json.",
  },
  LM_PLUGIN_NOT_FOUND: {
    status: 404,
    title: "No such plugin",
    retryable: false,
    help: "`logomesh plugin list` shows the installed plugins.",
  },
  LM_PLUGIN_TOOL_NOT_FOUND: {
    status: 404,
    title: "The plugin has no such tool",
    retryable: false,
    help: "`logomesh plugin list` shows each plugin's tools.",
  },
  LM_PLUGIN_NOT_GRANTED: {
    status: 403,
    title: "The plugin is not granted",
    retryable: false,
    help: "Review and grant it: `logomesh plugin grant <id>`.",
  },
  LM_PLUGIN_NO_SANDBOX: {
    status: 503,
    title: "No sandbox is available",
    retryable: false,
    help: "Install bubblewrap (`apt-get install bubblewrap`) and run `logomesh doctor`. Sandboxed plugins never run without a sandbox.",
  },
  LM_PLUGIN_RUNTIME_MISSING: {
    status: 503,
    title: "The plugin's runtime is missing",
    retryable: false,
    help: "Install the interpreter that the detail names; `logomesh doctor` checks it.",
  },
  LM_PLUGIN_START_FAILED: {
    status: 502,
    title: "The plugin did not start",
    retryable: true,
    help: "The detail has the exit cause and the last lines the plugin wrote to stderr.",
  },
  LM_PLUGIN_CRASHED: {
    status: 502,
    title: "The plugin crashed",
    retryable: true,
    help: "The detail has the exit cause and the last lines the plugin wrote to stderr.",
  },
  LM_PLUGIN_QUARANTINED: {
    status: 503,
    title: "The plugin is quarantined",
    retryable: true,
    help: "It crashed three times in five minutes. Read its log, then release it on the Plugins page.",
  },
  LM_PLUGIN_TIMEOUT: {
    status: 504,
    title: "The plugin did not answer in time",
    retryable: true,
    help: "Raise `call_timeout_ms` in its manifest or pass less work; the plugin process was stopped.",
  },
  LM_PLUGIN_BUSY: {
    status: 429,
    title: "The plugin has too many calls in flight",
    retryable: true,
    help: "Call again later or lower the concurrency of the workflow.",
  },
  LM_PLUGIN_CIRCUIT_OPEN: {
    status: 503,
    title: "The plugin's circuit breaker is open",
    retryable: true,
    help: "The tool failed five times in a row; it is tried again 30 s after the last failure, or reset it by hand.",
  },
  LM_PLUGIN_PROTOCOL: {
    status: 502,
    title: "The plugin broke the protocol",
    retryable: true,
    help: "The detail says which rule. The plugin process was stopped.",
  },
  LM_PLUGIN_OUTPUT_INVALID: {
    status: 502,
    title: "The plugin's output does not fit its schema",
    retryable: false,
    help: "`problems` names the fields; this is a fault of the plugin.",
  },
  LM_PLUGIN_INPUT_INVALID: {
    status: 422,
    title: "The arguments do not fit the tool's schema",
    retryable: false,
    help: "`problems` names each argument by JSON pointer.",
  },
  LM_PLUGIN_TOOL_FAILED: {
    status: 502,
    title: "The tool reported an error",
    retryable: false,
    help: "The detail is the plugin's own message.",
  },
  LM_PLUGIN_MEMORY: {
    status: 502,
    title: "The plugin exceeded its memory limit",
    retryable: true,
    help: "Raise `memory_mb` in its manifest (within the workbench's ceiling) or pass less data.",
  },
  LM_PLUGIN_SECURITY_LEVEL: {
    status: 403,
    title: "The plugin's security level is not permitted here",
    retryable: false,
    help: "`trusted` needs an explicit grant and never runs as root; `dev-only` needs a workbench started with --dev.",
  },
});
