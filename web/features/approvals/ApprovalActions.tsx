import { Button, Popover, Stack, Text, TextInput } from "@mantine/core";
import type { ApprovalDetail } from "@logomesh/contracts";
import { useState } from "react";
import type { useDecide, useUndo } from "./queries.ts";

type Action = "approve" | "reject" | "undo";

const WORDS: Record<Action, { label: string; confirm: string }> = {
  approve: { label: "Approve", confirm: "Approve what is shown" },
  reject: { label: "Reject", confirm: "Reject it" },
  undo: { label: "Undo", confirm: "Put it back" },
};

interface ApprovalActionsProps {
  approval: ApprovalDetail;
  /** What approving does, in one sentence. */
  consequence: string;
  /** Characters that do not show, in what would be approved. */
  hidden: number;
  /** Their failures are shown by the page. */
  decide: ReturnType<typeof useDecide>;
  undo: ReturnType<typeof useUndo>;
}

export function ApprovalActions({ approval, consequence, hidden, decide, undo }: ApprovalActionsProps) {
  const [asked, setAsked] = useState<Action>();
  const [comment, setComment] = useState("");
  const actions: Action[] = approval.status === "pending" ? ["approve", "reject"] : approval.isUndoable ? ["undo"] : [];
  const act = (action: Action): void => {
    setAsked(undefined);
    if (action === "undo") return undo.mutate();
    const why = comment.trim();
    decide.mutate({
      decision: action === "approve" ? "approved" : "rejected",
      contentHash: approval.contentHash,
      ...(why === "" ? {} : { comment: why }),
    });
  };
  const does: Record<Action, string> = {
    approve: consequence,
    reject: "Nothing is carried out. Whoever asked is told.",
    undo: `${approval.kind === "model" ? "The name stands for what it did" : "The file gets back what it held"} before, unless it was changed since.`,
  };
  return actions.map((action) => (
    <Popover
      key={action}
      opened={asked === action}
      onChange={(isOpen) => setAsked(isOpen ? action : undefined)}
      width={300}
      position="bottom-end"
      withArrow
      trapFocus
    >
      <Popover.Target>
        <Button
          size="compact-sm"
          variant={action === "approve" ? "filled" : "default"}
          loading={action === "undo" ? undo.isPending : decide.isPending}
          onClick={() => setAsked(asked === action ? undefined : action)}
        >
          {WORDS[action].label}
        </Button>
      </Popover.Target>
      <Popover.Dropdown>
        <form
          onSubmit={(event) => {
            event.preventDefault();
            act(action);
          }}
        >
          <Stack gap="sm" align="stretch">
            <Text size="sm">{does[action]}</Text>
            {action === "approve" && hidden > 0 ? (
              <Text size="sm" fw={600} c="var(--lm-uncertain)">
                It holds {hidden} characters that do not show. Look at the marks in the diff first.
              </Text>
            ) : null}
            {action === "undo" ? null : (
              <TextInput
                size="xs"
                label="Comment"
                placeholder="Optional; goes into the log"
                maxLength={2000}
                value={comment}
                onChange={(event) => setComment(event.currentTarget.value)}
              />
            )}
            <Button type="submit" size="compact-sm" color={action === "reject" ? "red" : "indigo"}>
              {WORDS[action].confirm}
            </Button>
          </Stack>
        </form>
      </Popover.Dropdown>
    </Popover>
  ));
}
