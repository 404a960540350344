import { Button, Fieldset, Group, Modal, Radio, Stack, Text, TextInput, Textarea } from "@mantine/core";
import type { RunTaskSummary } from "@logomesh/contracts";
import { useState } from "react";
import { ProblemAlert } from "../../../components/States.tsx";
import { visibleText } from "../../../lib/format.ts";
import { useContinueRun } from "./queries.ts";
import { NO_CHOICE, decisionsOf, isJson, type Choice } from "./stepDecisions.ts";

interface ContinueModalProps {
  runId: string;
  how: "resume" | "retry";
  /** Steps that may have acted, or not: each is decided before the run goes on. */
  steps: readonly RunTaskSummary[];
  onClose: () => void;
}

export function ContinueModal({ runId, how, steps, onClose }: ContinueModalProps) {
  const [choices, setChoices] = useState<ReadonlyMap<number, Choice>>(new Map());
  const goOn = useContinueRun(runId, how);
  const decisions = decisionsOf(steps, choices);
  return (
    <Modal opened onClose={onClose} title={how === "resume" ? "Resume the run" : "Retry the run"} size="lg">
      <Stack gap="md">
        <Text size="sm">
          The workbench stopped while these steps were acting. Whether they took effect outside is not known: look
          there, then say what happened. Nothing is repeated unless you say so.
        </Text>
        {steps.map((step) => (
          <StepChoice
            key={step.seq}
            step={step}
            choice={choices.get(step.seq) ?? NO_CHOICE}
            onChange={(choice) => setChoices(new Map(choices).set(step.seq, choice))}
          />
        ))}
        {goOn.isError ? <ProblemAlert error={goOn.error} /> : null}
        <Group gap="xs">
          <Button
            disabled={decisions === undefined}
            loading={goOn.isPending}
            onClick={() => decisions !== undefined && goOn.mutate({ steps: decisions }, { onSuccess: onClose })}
          >
            Go on
          </Button>
          <Button variant="subtle" onClick={onClose}>
            Not now
          </Button>
        </Group>
      </Stack>
    </Modal>
  );
}

interface StepChoiceProps {
  step: RunTaskSummary;
  choice: Choice;
  onChange: (choice: Choice) => void;
}

function StepChoice({ step, choice, onChange }: StepChoiceProps) {
  const name = visibleText(step.name);
  return (
    <Fieldset legend={`${name} (${step.call ?? step.type}), attempt ${step.attempt}`}>
      <Stack gap="sm">
        <Radio.Group
          aria-label={`What happened with ${name}`}
          value={choice.decision}
          onChange={(decision) => onChange({ ...choice, decision: decision })}
        >
          <Stack gap={6}>
            <Radio value="retry" label="It did not happen: do it now" />
            <Radio value="complete" label="It happened: go on with what it answered" />
            <Radio value="fail" label="Count it as failed" />
          </Stack>
        </Radio.Group>
        {choice.decision === "complete" ? (
          <Textarea
            label="What it answered, as JSON"
            autosize
            minRows={2}
            maxRows={12}
            styles={{ input: { fontFamily: "var(--mantine-font-family-monospace)" } }}
            value={choice.output}
            error={choice.output === "" || isJson(choice.output) ? undefined : "This is not JSON yet."}
            onChange={(event) => onChange({ ...choice, output: event.currentTarget.value })}
          />
        ) : null}
        {choice.decision === "fail" ? (
          <TextInput
            label="Comment, for whoever reads the run"
            value={choice.comment}
            maxLength={1000}
            onChange={(event) => onChange({ ...choice, comment: event.currentTarget.value })}
          />
        ) : null}
      </Stack>
    </Fieldset>
  );
}
