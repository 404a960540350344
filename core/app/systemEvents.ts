import type { Plugin } from "@logomesh/contracts";
import type { MemoryEventBus } from "../events/index.ts";
import type { PluginService, RunMessage, WorkflowService } from "./workbench.ts";

const SYSTEM = { source: "system", isSystem: true };
/** Lifecycle events of runs, as the workflow specification names them. */
const RUN_EVENT = /^io\.serverlessworkflow\.workflow\.([a-z-]+)\.v1$/;

/**
 * Tells the bus of plugins that change their state (`io.logomesh.plugin.<state>`) and of runs that begin, wait or end
 * (`io.logomesh.run.<what>`). Both feeds are listened to only while somebody listens to such types.
 */
export function publishSystemEvents(options: {
  bus: MemoryEventBus;
  plugins: Pick<PluginService, "list" | "subscribe">;
  engine: Pick<WorkflowService, "subscribe">;
}): Disposable {
  const { bus, plugins, engine } = options;
  const stack = new DisposableStack();
  stack.use(
    bus.addSource("io.logomesh.plugin", () => {
      const states = new Map(plugins.list().map(({ id, state }) => [id, state]));
      return plugins.subscribe((plugin) => {
        // The feed tells of usage too.
        if (states.get(plugin.id) === plugin.state) return;
        states.set(plugin.id, plugin.state);
        publishPlugin(bus, plugin);
      });
    }),
  );
  stack.use(bus.addSource("io.logomesh.run", () => engine.subscribe({}, (message) => publishRun(bus, message))));
  return stack;
}

function publishPlugin(bus: MemoryEventBus, { id, version, state, stateReason }: Plugin): void {
  const data = { plugin: id, version, state, ...(stateReason === undefined ? {} : { reason: stateReason }) };
  bus.publish({ type: `io.logomesh.plugin.${state}`, subject: id, data }, SYSTEM);
}

function publishRun(bus: MemoryEventBus, message: RunMessage): void {
  if (message.type !== "event") return;
  const { runId, type, time, data } = message.event;
  const what = RUN_EVENT.exec(type)?.[1];
  if (what === undefined) return;
  bus.publish({ type: `io.logomesh.run.${what}`, subject: runId, time, data: { run: runId, ...data } }, SYSTEM);
}
