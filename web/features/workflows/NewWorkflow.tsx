import { useNavigate } from "@tanstack/react-router";
import { DetailHeader } from "../../components/DetailHeader.tsx";
import { SourceEditor } from "./SourceEditor.tsx";
import classes from "./WorkflowDetail.module.css";

/** The smallest workflow that shows something: it runs as it is. */
const FIRST_SOURCE = `document:
  dsl: "1.0.3"
  namespace: default
  name: my-workflow
  version: "1.0.0"
  title: My workflow
do:
  - greet:
      set:
        greeting: '\${ "Hello, " + (.name // "world") }'
`;

const NONE: readonly string[] = [];

export function NewWorkflow() {
  const navigate = useNavigate();
  return (
    <>
      <DetailHeader title="New workflow" onClose={() => void navigate({ to: "/workflows" })} />
      <div className={classes["panes"]}>
        <SourceEditor
          source=""
          draft={FIRST_SOURCE}
          taken={NONE}
          onStored={({ namespace, name }) =>
            void navigate({ to: "/workflows/$namespace/$name", params: { namespace, name } })
          }
        />
      </div>
    </>
  );
}
