/** A unified diff in which nothing hides: every character that does not show is named where it stands. */
import { Text } from "@mantine/core";
import type { PatchLine, PatchReview } from "@logomesh/contracts";
import { useVirtualizer } from "@tanstack/react-virtual";
import { useRef } from "react";
import { formatCount } from "../lib/format.ts";
import classes from "./DiffView.module.css";

/** Longer diffs scroll on their own, and only what is in sight is in the page. */
const WHOLE_LINES_MAX = 500;
const LINE_HEIGHT = 20;

export function DiffView({ review }: { review: PatchReview }) {
  return (
    <div className={classes["diff"]}>
      <Text size="sm" className={classes["summary"] ?? ""}>
        <span className={classes["plus"]}>+{review.added}</span>{" "}
        <span className={classes["minus"]}>−{review.removed}</span>{" "}
        {review.hidden === 0 ? (
          <span>No hidden characters</span>
        ) : (
          <strong className={classes["warning"]}>{formatCount(review.hidden, "hidden character")}</strong>
        )}
      </Text>
      {review.lines.length > WHOLE_LINES_MAX ? (
        <LongDiff lines={review.lines} />
      ) : (
        <div className={classes["lines"]} role="region" aria-label="Changes" tabIndex={0}>
          {review.lines.map((line, index) => (
            <Line key={index} line={line} />
          ))}
        </div>
      )}
    </div>
  );
}

function LongDiff({ lines }: { lines: readonly PatchLine[] }) {
  const scroller = useRef<HTMLDivElement>(null);
  const virtualizer = useVirtualizer({
    count: lines.length,
    getScrollElement: () => scroller.current,
    estimateSize: () => LINE_HEIGHT,
    overscan: 30,
    initialRect: { width: 800, height: 600 },
  });
  return (
    <div
      ref={scroller}
      className={`${classes["lines"] ?? ""} ${classes["long"] ?? ""}`}
      role="region"
      aria-label="Changes"
      tabIndex={0}
    >
      <div style={{ height: virtualizer.getTotalSize(), position: "relative" }}>
        {virtualizer.getVirtualItems().map((row) => {
          const line = lines[row.index];
          if (line === undefined) return null;
          return (
            <div
              key={row.key}
              ref={virtualizer.measureElement}
              data-index={row.index}
              className={classes["placed"]}
              style={{ transform: `translateY(${row.start}px)` }}
            >
              <Line line={line} />
            </div>
          );
        })}
      </div>
    </div>
  );
}

const SIGNS: Record<PatchLine["kind"], string> = {
  ...{ head: "", hunk: "", context: " ", added: "+", removed: "-", note: "" },
};

function Line({ line: { kind, oldLine, newLine, parts } }: { line: PatchLine }) {
  return (
    <div className={classes["line"]} data-kind={kind}>
      <span className={classes["number"]} aria-hidden>
        {oldLine ?? newLine ?? ""}
      </span>
      <span className={classes["sign"]}>{SIGNS[kind]}</span>
      <span className={classes["text"]}>
        {parts.map((part, index) =>
          "text" in part ? (
            part.text
          ) : (
            <mark key={index} className={classes["hidden"]} title="a character that does not show">
              {part.hidden}
            </mark>
          ),
        )}
      </span>
    </div>
  );
}
