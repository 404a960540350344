/** The list on the left: virtualised, loaded page by page, driven by j/k, Enter, Esc. */
import { useVirtualizer } from "@tanstack/react-virtual";
import { useCallback, useEffect, useRef, useState, type ReactNode } from "react";
import { useKeys } from "../lib/keys.ts";
import classes from "./ListPane.module.css";

export interface ListPaneProps<T> {
  label: string;
  items: readonly T[];
  keyOf: (item: T) => string;
  renderItem: (item: T) => ReactNode;
  /** Key of what the detail shows. */
  selectedKey: string | undefined;
  onOpen: (item: T) => void;
  onClose: () => void;
  rowHeight?: number;
  /** Called when the end comes near; fetches the next page. */
  onEnd?: () => void;
}

const OVERSCAN_ROWS = 10;

export function ListPane<T>(props: ListPaneProps<T>) {
  const { items, keyOf, selectedKey, onOpen, onClose, onEnd, rowHeight = 56 } = props;
  const scroller = useRef<HTMLDivElement>(null);
  const [focusedKey, setFocusedKey] = useState<string | undefined>(selectedKey);
  const activeKey = focusedKey ?? selectedKey;
  const activeIndex = items.findIndex((item) => keyOf(item) === activeKey);
  const virtualizer = useVirtualizer({
    count: items.length,
    getScrollElement: () => scroller.current,
    estimateSize: () => rowHeight,
    overscan: OVERSCAN_ROWS,
    initialRect: { width: 360, height: 800 },
  });
  const rows = virtualizer.getVirtualItems();
  const lastIndex = rows.at(-1)?.index ?? -1;
  useEffect(() => {
    if (lastIndex >= items.length - OVERSCAN_ROWS) onEnd?.();
  }, [lastIndex, items.length, onEnd]);

  const move = useCallback(
    (step: number) => {
      const next = Math.min(items.length - 1, Math.max(0, activeIndex + step));
      const item = items[next];
      if (item === undefined) return;
      setFocusedKey(keyOf(item));
      virtualizer.scrollToIndex(next, { align: "auto" });
      scroller.current?.focus({ preventScroll: true });
    },
    [activeIndex, items, keyOf, virtualizer],
  );
  useKeys({
    j: () => move(1),
    k: () => move(-1),
    ArrowDown: (event) => isWithin(scroller.current, event) && move(1),
    ArrowUp: (event) => isWithin(scroller.current, event) && move(-1),
    Enter: (event) => {
      const item = items[activeIndex];
      if (item === undefined || !isWithin(scroller.current, event)) return false;
      onOpen(item);
      return true;
    },
    Escape: onClose,
  });

  return (
    <div
      ref={scroller}
      className={classes["scroller"]}
      role="listbox"
      tabIndex={0}
      aria-label={props.label}
      {...(activeIndex < 0 || activeKey === undefined ? {} : { "aria-activedescendant": `row-${activeKey}` })}
    >
      <div style={{ height: virtualizer.getTotalSize(), position: "relative" }} role="presentation">
        {rows.map((row) => {
          const item = items[row.index];
          if (item === undefined) return null;
          const key = keyOf(item);
          return (
            <div
              key={key}
              id={`row-${key}`}
              role="option"
              aria-selected={key === selectedKey}
              className={classes["row"]}
              data-focused={key === activeKey}
              style={{ transform: `translateY(${row.start}px)`, height: rowHeight }}
              onClick={() => {
                setFocusedKey(key);
                onOpen(item);
              }}
            >
              {props.renderItem(item)}
            </div>
          );
        })}
      </div>
    </div>
  );
}

function isWithin(element: HTMLElement | null, event: KeyboardEvent): boolean {
  return element !== null && event.target instanceof Node && element.contains(event.target);
}
