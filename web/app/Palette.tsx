import { Spotlight, createSpotlight, type SpotlightActionData } from "@mantine/spotlight";
import { useQuery } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { useEffect } from "react";
import { useApi } from "../lib/api.ts";
import { formatExact } from "../lib/format.ts";

const [store, palette] = createSpotlight();
const RECENT_RUNS = 50;

/** Go to any page, workflow, plugin or recent run. `asked` rises each time somebody wants it open. */
export function Palette({ asked }: { asked: number }) {
  const api = useApi();
  const navigate = useNavigate();
  useEffect(() => {
    palette.open();
  }, [asked]);
  const found = useQuery({
    queryKey: ["palette", asked],
    queryFn: async ({ signal }) => {
      const [workflows, plugins, runs] = await Promise.all([
        api.listWorkflows({ signal }),
        api.listPlugins({ signal }),
        api.listRuns({ query: { limit: RECENT_RUNS }, signal }),
      ]);
      return { workflows: workflows.items, plugins: plugins.items, runs: runs.items };
    },
  });
  const actions: SpotlightActionData[] = [
    { id: "home", label: "Home", onClick: () => void navigate({ to: "/" }) },
    { id: "runs", label: "Runs", onClick: () => void navigate({ to: "/runs" }) },
    { id: "workflows", label: "Workflows", onClick: () => void navigate({ to: "/workflows" }) },
    { id: "plugins", label: "Plugins", onClick: () => void navigate({ to: "/plugins" }) },
    { id: "approvals", label: "Approvals", onClick: () => void navigate({ to: "/approvals" }) },
    { id: "policy", label: "Constitution", onClick: () => void navigate({ to: "/policy" }) },
    { id: "audit", label: "Audit", onClick: () => void navigate({ to: "/audit" }) },
    ...(found.data?.workflows ?? []).map(({ namespace, name, title }) => ({
      id: `workflow ${namespace}/${name}`,
      label: `Run ${title ?? name}`,
      description: `Workflow ${namespace}/${name}`,
      onClick: () =>
        void navigate({ to: "/workflows/$namespace/$name", params: { namespace, name }, search: { tab: "start" } }),
    })),
    ...(found.data?.plugins ?? []).map(({ id, name }) => ({
      id: `plugin ${id}`,
      label: name,
      description: `Plugin ${id}`,
      onClick: () => void navigate({ to: "/plugins/$pluginId", params: { pluginId: id } }),
    })),
    ...(found.data?.runs ?? []).map((run) => ({
      id: `run ${run.id}`,
      label: `${run.workflow.name}, ${run.status}`,
      description: `Run ${run.id}, ${formatExact(run.createdAt)}`,
      onClick: () => void navigate({ to: "/runs/$runId", params: { runId: run.id } }),
    })),
  ];
  return (
    <Spotlight
      store={store}
      actions={actions}
      shortcut={null}
      limit={12}
      scrollable
      maxHeight={420}
      highlightQuery
      nothingFound={found.isError ? "The workbench does not answer." : "Nothing found"}
      searchProps={{ placeholder: "Page, workflow, plugin or run", "aria-label": "Go anywhere" }}
    />
  );
}
