import { Button, FileButton, Group, SegmentedControl, Stack, Text } from "@mantine/core";
import type { JsonValue, WorkflowDetail } from "@logomesh/contracts";
import { IconFileText, IconPlayerPlay } from "@tabler/icons-react";
import { useNavigate } from "@tanstack/react-router";
import { useState, type SyntheticEvent } from "react";
import { JsonField } from "../../components/JsonField.tsx";
import { ProblemAlert } from "../../components/States.tsx";
import { problemOf } from "../../lib/problems.ts";
import { InputField } from "./InputField.tsx";
import {
  fileTargetOf,
  formFieldsOf,
  initialValues,
  inputOf,
  parseJson,
  problemsByField,
  withFiles,
  type FormField,
} from "./inputForm.ts";
import { useStartRun } from "./queries.ts";

/** Text files are read in the browser; the request is limited by the server anyway. */
const FILE_BYTES_MAX = 5_000_000;

/** A form from the input's schema, or the input as JSON. */
export function StartForm({ workflow }: { workflow: WorkflowDetail }) {
  const fields = formFieldsOf(workflow.inputSchema);
  const target = fileTargetOf(workflow.inputSchema);
  const navigate = useNavigate();
  const start = useStartRun();
  const [mode, setMode] = useState<"form" | "json">(fields === undefined ? "json" : "form");
  const [values, setValues] = useState(() => initialValues(fields ?? []));
  const [json, setJson] = useState("{}");
  const [faults, setFaults] = useState<Record<string, string>>({});

  const submit = (event: SyntheticEvent): void => {
    event.preventDefault();
    const made = mode === "form" ? inputOf(fields ?? [], values) : inputOfJson(json);
    setFaults(made.faults);
    if (Object.keys(made.faults).length > 0) return;
    const { namespace, name, version } = workflow;
    start.mutate(
      { workflow: { namespace, name, version }, input: made.input },
      { onSuccess: (run) => void navigate({ to: "/runs/$runId", params: { runId: run.id } }) },
    );
  };
  const addFiles = async (files: readonly File[]): Promise<void> => {
    const tooLarge = files.find((file) => file.size > FILE_BYTES_MAX);
    if (tooLarge !== undefined) {
      setFaults({ "": `${tooLarge.name} has ${tooLarge.size} bytes; at most ${FILE_BYTES_MAX} can be sent.` });
      return;
    }
    const texts = await Promise.all(files.map(async (file) => ({ name: file.name, text: await file.text() })));
    setFaults({});
    setValues((known) => withFiles(known, texts, fields?.some(({ name }) => name === "text") === true));
  };
  const shownFaults = {
    ...problemsByField((start.isError ? problemOf(start.error).problems : undefined) ?? []),
    ...faults,
  };

  return (
    <form onSubmit={submit}>
      <Stack gap="md">
        {fields === undefined ? (
          <Text size="sm" c="dimmed">
            {workflow.inputSchema === undefined
              ? "This workflow declares no input schema; give any JSON."
              : "The input's schema has no simple fields; give JSON."}
          </Text>
        ) : (
          <SegmentedControl
            size="xs"
            aria-label="How to give the input"
            value={mode}
            onChange={(value) => {
              // What was typed in the form goes along.
              if (value === "json") setJson(JSON.stringify(inputOf(fields, values).input, null, 2));
              setMode(value);
            }}
            data={[
              { value: "form", label: "Form" },
              { value: "json", label: "JSON" },
            ]}
          />
        )}
        {mode === "form" && target !== undefined ? <FileChoice onFiles={(files) => void addFiles(files)} /> : null}
        {mode === "form" ? (
          (fields ?? []).map((field) => (
            <InputField
              key={field.name}
              field={field}
              value={values[field.name] ?? ""}
              fault={shownFaults[field.name]}
              onChange={(value) => setValues((known) => ({ ...known, [field.name]: value }))}
            />
          ))
        ) : (
          <JsonField
            label="Input"
            minRows={8}
            maxRows={24}
            value={json}
            onChange={setJson}
            error={shownFaults[""] ?? null}
          />
        )}
        {mode === "form" && shownFaults[""] !== undefined ? (
          <Fault fields={fields ?? []} text={shownFaults[""]} />
        ) : null}
        <Group>
          <Button type="submit" loading={start.isPending} leftSection={<IconPlayerPlay size={16} aria-hidden />}>
            Start
          </Button>
        </Group>
        {start.isError ? <ProblemAlert error={start.error} /> : null}
      </Stack>
    </form>
  );
}

function FileChoice({ onFiles }: { onFiles: (files: readonly File[]) => void }) {
  return (
    <FileButton multiple accept=".md,.txt,.markdown,text/*" onChange={onFiles}>
      {(props) => (
        <Button {...props} variant="default" size="xs" leftSection={<IconFileText size={14} aria-hidden />}>
          Read from text or Markdown files
        </Button>
      )}
    </FileButton>
  );
}

function Fault({ fields, text }: { fields: readonly FormField[]; text: string }) {
  return (
    <Text size="sm" role="alert" style={{ color: "var(--lm-bad)" }}>
      {text} {fields.length > 1 ? "Fill in one of the fields above." : ""}
    </Text>
  );
}

function inputOfJson(json: string): { input: JsonValue; faults: Record<string, string> } {
  const parsed = parseJson(json);
  return "fault" in parsed ? { input: null, faults: { "": parsed.fault } } : { input: parsed.value, faults: {} };
}
