import { Group, Select, Tabs, Text } from "@mantine/core";
import { getRouteApi } from "@tanstack/react-router";
import { Suspense, lazy } from "react";
import { DetailHeader } from "../../components/DetailHeader.tsx";
import { CopyId, Fact, RelativeTime } from "../../components/Facts.tsx";
import { LoadingRows, ProblemAlert } from "../../components/States.tsx";
import { visibleText } from "../../lib/format.ts";
import { StartForm } from "./StartForm.tsx";
import classes from "./WorkflowDetail.module.css";
import { useWorkflow } from "./queries.ts";

const route = getRouteApi("/workflows/$namespace/$name");
const FlowGraph = lazy(async () => ({ default: (await import("../../components/graph/FlowGraph.tsx")).FlowGraph }));
const VersionsTab = lazy(async () => ({ default: (await import("./VersionsTab.tsx")).VersionsTab }));
const SourceEditor = lazy(async () => ({ default: (await import("./SourceEditor.tsx")).SourceEditor }));

const TABS = ["start", "source", "versions"] as const;

export function WorkflowDetailPage() {
  const { namespace, name } = route.useParams();
  const { tab = "start", version, base } = route.useSearch();
  const navigate = route.useNavigate();
  const workflow = useWorkflow({ namespace, name, version });
  if (workflow.isPending) return <LoadingRows label="Loading the workflow" />;
  if (workflow.isError) return <ProblemAlert error={workflow.error} onRetry={() => void workflow.refetch()} />;
  const { data } = workflow;
  return (
    <>
      <DetailHeader
        title={visibleText(data.title ?? data.name)}
        actions={
          <Select
            size="xs"
            w={110}
            aria-label="Version"
            data={data.versions}
            value={data.version}
            allowDeselect={false}
            onChange={(chosen) => void navigate({ search: (all) => ({ ...all, version: chosen ?? undefined }) })}
          />
        }
        onClose={() => void navigate({ to: "/workflows" })}
      >
        {data.summary === undefined ? null : <Text size="sm">{visibleText(data.summary)}</Text>}
        <Group gap="2px var(--mantine-spacing-lg)">
          <Fact name="Name">
            {data.namespace}/{data.name}
          </Fact>
          <Fact name="From">{visibleText(data.origin)}</Fact>
          <Fact name="Stored">
            <RelativeTime at={data.createdAt} />
          </Fact>
          <Fact name="Hash">
            <CopyId id={data.hash} name="hash" />
          </Fact>
        </Group>
      </DetailHeader>
      <Tabs
        value={tab}
        onChange={(value) =>
          void navigate({
            search: (all) => ({ ...all, tab: TABS.find((known) => known === value) ?? "start" }),
            replace: true,
          })
        }
        className={classes["tabs"] ?? ""}
        keepMounted={false}
      >
        <Tabs.List px="md">
          <Tabs.Tab value="start">Start</Tabs.Tab>
          <Tabs.Tab value="source">Source</Tabs.Tab>
          <Tabs.Tab value="versions">Versions ({data.versions.length})</Tabs.Tab>
        </Tabs.List>
        <Tabs.Panel value="start" className={classes["panes"] ?? ""}>
          <div className={classes["form"]}>
            <StartForm key={data.hash} workflow={data} />
          </div>
          <Suspense fallback={<LoadingRows label="Loading the graph" />}>
            <FlowGraph definition={data.definition} />
          </Suspense>
        </Tabs.Panel>
        <Tabs.Panel value="source" className={classes["panes"] ?? ""}>
          <Suspense fallback={<LoadingRows label="Loading the editor" />}>
            <SourceEditor
              key={data.hash}
              source={data.source}
              taken={data.versions}
              onStored={(stored) =>
                void navigate({
                  to: "/workflows/$namespace/$name",
                  params: { namespace: stored.namespace, name: stored.name },
                  search: { tab: "source", version: stored.version },
                })
              }
            />
          </Suspense>
        </Tabs.Panel>
        <Tabs.Panel value="versions" className={classes["versions"] ?? ""}>
          <Suspense fallback={<LoadingRows label="Loading the versions" />}>
            <VersionsTab
              workflow={data}
              base={base === data.version ? undefined : base}
              onChange={(choice) => void navigate({ search: (all) => ({ ...all, ...choice }), replace: true })}
            />
          </Suspense>
        </Tabs.Panel>
      </Tabs>
    </>
  );
}
