/** A JSON value as a tree whose branches open on demand; long texts are cut until asked for. Nothing in it is ever markup. */
import { Anchor, CopyButton, Group, Text, UnstyledButton } from "@mantine/core";
import type { JsonValue } from "@logomesh/contracts";
import { IconChevronDown, IconChevronRight } from "@tabler/icons-react";
import { useState } from "react";
import { visibleText } from "../lib/format.ts";
import classes from "./JsonView.module.css";

const CHILDREN_SHOWN = 100;
const CHARACTERS_SHOWN = 600;
const OPEN_DEPTH = 2;

interface JsonViewProps {
  value: JsonValue | undefined;
  label: string;
  empty?: string;
}

export function JsonView({ value, label, empty = "Nothing" }: JsonViewProps) {
  if (value === undefined) {
    return (
      <Text size="sm" c="dimmed">
        {empty}
      </Text>
    );
  }
  return (
    <div className={classes["box"]} role="group" aria-label={label}>
      <Group justify="flex-end" className={classes["tools"]}>
        <CopyButton value={typeof value === "string" ? value : JSON.stringify(value, null, 2)}>
          {({ copied, copy }) => (
            <Anchor component="button" type="button" size="xs" onClick={copy} aria-label={`Copy ${label}`}>
              {copied ? "Copied" : "Copy"}
            </Anchor>
          )}
        </CopyButton>
      </Group>
      <Node name={undefined} value={value} depth={0} />
    </div>
  );
}

interface NodeProps {
  name: string | undefined;
  value: JsonValue;
  depth: number;
}

function Node({ name, value, depth }: NodeProps) {
  const [isOpen, setOpen] = useState(depth < OPEN_DEPTH);
  const [shown, setShown] = useState(CHILDREN_SHOWN);
  if (value === null || typeof value !== "object") {
    return (
      <div className={classes["line"]}>
        <Name name={name} />
        <Scalar value={value} />
      </div>
    );
  }
  const entries = Object.entries(value);
  const size = Array.isArray(value) ? `[${entries.length}]` : `{${entries.length}}`;
  return (
    <div>
      <UnstyledButton className={classes["branch"]} aria-expanded={isOpen} onClick={() => setOpen(!isOpen)}>
        {isOpen ? <IconChevronDown size={12} aria-hidden /> : <IconChevronRight size={12} aria-hidden />}
        <Name name={name} />
        <span className={classes["size"]}>{size}</span>
      </UnstyledButton>
      {isOpen ? (
        <div className={classes["children"]}>
          {entries.slice(0, shown).map(([key, child]) => (
            <Node key={key} name={key} value={child} depth={depth + 1} />
          ))}
          {entries.length > shown ? (
            <Anchor component="button" type="button" size="xs" onClick={() => setShown(shown + CHILDREN_SHOWN)}>
              Show more ({entries.length - shown} left)
            </Anchor>
          ) : null}
        </div>
      ) : null}
    </div>
  );
}

function Name({ name }: { name: string | undefined }) {
  return name === undefined ? null : <span className={classes["name"]}>{visibleText(name)}:</span>;
}

function Scalar({ value }: { value: string | number | boolean | null }) {
  const [isWhole, setWhole] = useState(false);
  if (typeof value !== "string") return <span className={classes["literal"]}>{String(value)}</span>;
  const isCut = !isWhole && value.length > CHARACTERS_SHOWN;
  return (
    <span className={classes["text"]}>
      {visibleText(isCut ? `${value.slice(0, CHARACTERS_SHOWN)}…` : value)}
      {isCut ? (
        <Anchor component="button" type="button" size="xs" ml={6} onClick={() => setWhole(true)}>
          Show all {value.length} characters
        </Anchor>
      ) : null}
    </span>
  );
}
