import { TextInput } from "@mantine/core";
import { IconSearch } from "@tabler/icons-react";
import { useEffect, useEffectEvent, useRef, useState } from "react";
import { useKeys } from "../lib/keys.ts";

interface FilterFieldProps {
  /** What the URL says. */
  filter: string | undefined;
  label: string;
  onFilter: (filter: string | undefined) => void;
}

const TYPING_PAUSE_MS = 200;

/** `/` goes there, Esc leaves; the list follows a moment after the last key. */
export function FilterField({ filter, label, onFilter }: FilterFieldProps) {
  const input = useRef<HTMLInputElement>(null);
  const [text, setText] = useState(filter ?? "");
  const [shown, setShown] = useState(filter);
  if (shown !== filter) {
    // The URL changed by itself (back, a link): the field follows.
    setShown(filter);
    if ((filter ?? "") !== text.trim()) setText(filter ?? "");
  }
  useKeys({ "/": () => input.current?.focus() });
  const commit = useEffectEvent((value: string) => {
    const next = value.trim() === "" ? undefined : value.trim();
    if (next !== filter) onFilter(next);
  });
  useEffect(() => {
    const timer = setTimeout(() => commit(text), TYPING_PAUSE_MS);
    return () => clearTimeout(timer);
  }, [text]);
  return (
    <TextInput
      ref={input}
      size="xs"
      aria-label={label}
      placeholder={`${label} ( / )`}
      leftSection={<IconSearch size={14} aria-hidden />}
      value={text}
      onChange={(event) => setText(event.currentTarget.value)}
      onKeyDown={(event) => {
        if (event.key === "Escape") event.currentTarget.blur();
      }}
    />
  );
}
