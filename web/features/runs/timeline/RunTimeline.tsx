/** The tasks of a run over time. Only what is in sight is in the page; the keyboard moves as in a tree. */
import { ActionIcon, Group, Text, Tooltip, VisuallyHidden } from "@mantine/core";
import type { RunTaskSummary } from "@logomesh/contracts";
import { IconChevronDown, IconChevronRight, IconZoomIn, IconZoomOut, IconZoomReset } from "@tabler/icons-react";
import { useVirtualizer } from "@tanstack/react-virtual";
import { useEffect, useEffectEvent, useMemo, useRef, useState, type KeyboardEvent, type RefObject } from "react";
import { EmptyState } from "../../../components/States.tsx";
import { StatusMark } from "../../../components/StatusBadge.tsx";
import { formatDuration, visibleText } from "../../../lib/format.ts";
import { taskLook } from "../../../lib/status.ts";
import { useNow } from "../../../lib/useNow.ts";
import {
  buildTimeline,
  ticksOf,
  visibleRows,
  type Timeline,
  type TimelineBar,
  type TimelineRow,
} from "./buildTimeline.ts";
import classes from "./RunTimeline.module.css";

interface RunTimelineProps {
  tasks: readonly RunTaskSummary[];
  /** `seq` of the chosen task. */
  selected: number | undefined;
  onSelect: (seq: number) => void;
}

const ROW_HEIGHT = 28;
const ZOOMS = [1, 2, 5, 10, 20, 50, 100, 200, 500];
/** Marks on the axis as wide as the pane. */
const MARKS = 6;
const LIVE_MS = 500;
const INDENT_PX = 12;
/** Deeper tasks stand no further to the right. */
const INDENTS_MAX = 8;

export function RunTimeline({ tasks, selected, onSelect }: RunTimelineProps) {
  const timeline = useMemo(() => buildTimeline(tasks), [tasks]);
  if (tasks.length === 0) return <EmptyState title="No task has started yet">They appear as they start.</EmptyState>;
  const props = { timeline, selected, onSelect };
  return timeline.hasOpenBars ? <LiveTimeline {...props} /> : <TimelineView {...props} untilMs={timeline.endedMs} />;
}

interface TimelineViewProps extends Omit<RunTimelineProps, "tasks"> {
  timeline: Timeline;
  /** Where the axis ends, in milliseconds since the start. */
  untilMs: number;
}

function LiveTimeline(props: Omit<TimelineViewProps, "untilMs">) {
  const now = useNow(LIVE_MS);
  const { startMs, endedMs } = props.timeline;
  return <TimelineView {...props} untilMs={Math.max(endedMs, now - startMs)} />;
}

function TimelineView({ timeline, untilMs, selected, onSelect }: TimelineViewProps) {
  const scroller = useRef<HTMLDivElement>(null);
  const [zoom, setZoom] = useState(0);
  const [closed, setClosed] = useState<ReadonlySet<string>>(new Set());
  const [activeKey, setActiveKey] = useState<string>();
  const rows = useMemo(() => visibleRows(timeline.rows, closed), [timeline, closed]);
  const holds = (row: TimelineRow): boolean => row.bars.some(({ seq }) => seq === selected);
  const active = rows.findIndex((row) => (activeKey === undefined ? holds(row) : row.key === activeKey));
  const virtualizer = useVirtualizer({
    count: rows.length,
    getScrollElement: () => scroller.current,
    estimateSize: () => ROW_HEIGHT,
    overscan: 12,
    initialRect: { width: 800, height: 600 },
  });
  const spanMs = Math.max(1, untilMs);
  const scale = ZOOMS[zoom] ?? 1;
  const toggle = (key: string): void =>
    setClosed((known) =>
      known.has(key) ? new Set([...known].filter((other) => other !== key)) : new Set([...known, key]),
    );
  const goTo = (index: number): void => {
    const row = rows[Math.min(rows.length - 1, Math.max(0, index))];
    if (row === undefined) return;
    setActiveKey(row.key);
    virtualizer.scrollToIndex(rows.indexOf(row), { align: "auto" });
  };
  useBarInSight({ scroller, timeline, selected, spanMs, scale });
  const onKeyDown = (event: KeyboardEvent): void => {
    const row = rows[active];
    const handled = keyAction(event.key, { row, active, closed, count: rows.length, goTo, toggle, setZoom, onSelect });
    if (handled) event.preventDefault();
  };

  return (
    <div className={classes["timeline"]}>
      <ZoomBar zoom={zoom} onZoom={setZoom} spanMs={spanMs} />
      <div
        ref={scroller}
        className={classes["scroller"]}
        role="tree"
        aria-label="Timeline"
        tabIndex={0}
        onKeyDown={onKeyDown}
        onFocus={() => active < 0 && goTo(0)}
        {...(active < 0 ? {} : { "aria-activedescendant": `bar-${active}` })}
      >
        <div className={classes["wide"]} style={{ ["--zoom" as string]: scale }} role="presentation">
          <Axis spanMs={spanMs} marks={MARKS * scale} />
          <div style={{ height: virtualizer.getTotalSize(), position: "relative" }} role="presentation">
            {virtualizer.getVirtualItems().map(({ index, start }) => {
              const row = rows[index];
              if (row === undefined) return null;
              return (
                <Row
                  key={row.key}
                  id={`bar-${index}`}
                  row={row}
                  top={start}
                  spanMs={spanMs}
                  isActive={index === active}
                  isSelected={holds(row)}
                  isOpen={!closed.has(row.key)}
                  selected={selected}
                  onToggle={() => toggle(row.key)}
                  onSelect={(seq) => {
                    setActiveKey(row.key);
                    onSelect(seq);
                  }}
                />
              );
            })}
          </div>
        </div>
      </div>
    </div>
  );
}

interface BarInSight {
  scroller: RefObject<HTMLDivElement | null>;
  timeline: Timeline;
  selected: number | undefined;
  spanMs: number;
  scale: number;
}

/** Room before the chosen bar. */
const MARGIN_PX = 40;

/** Scrolls sideways to the chosen bar when it is chosen and when the scale changes. */
function useBarInSight({ scroller, timeline, selected, spanMs, scale }: BarInSight): void {
  const show = useEffectEvent(() => {
    const frame = scroller.current;
    const bar = timeline.rows.flatMap(({ bars }) => bars).find(({ seq }) => seq === selected);
    if (frame === null || bar === undefined) return;
    const laneWidth = frame.querySelector("[data-axis]")?.clientWidth ?? 0;
    const left = (laneWidth * bar.fromMs) / spanMs;
    const right = (laneWidth * (bar.toMs ?? spanMs)) / spanMs;
    const seen = laneWidth / scale;
    if (left < frame.scrollLeft || right > frame.scrollLeft + seen)
      frame.scrollTo({ left: Math.max(0, left - MARGIN_PX) });
  });
  useEffect(() => show(), [selected, scale]);
}

interface KeyContext {
  row: TimelineRow | undefined;
  active: number;
  count: number;
  closed: ReadonlySet<string>;
  goTo: (index: number) => void;
  toggle: (key: string) => void;
  setZoom: (change: (zoom: number) => number) => void;
  onSelect: (seq: number) => void;
}

/** True when the key meant something here. */
function keyAction(key: string, context: KeyContext): boolean {
  const { row, active, count, closed, goTo, toggle, setZoom, onSelect } = context;
  switch (key) {
    case "ArrowDown":
      goTo(active + 1);
      return true;
    case "ArrowUp":
      goTo(active - 1);
      return true;
    case "Home":
      goTo(0);
      return true;
    case "End":
      goTo(count - 1);
      return true;
    case "ArrowRight":
    case "ArrowLeft":
      if (row?.hasChildren !== true || closed.has(row.key) !== (key === "ArrowRight")) return false;
      toggle(row.key);
      return true;
    case "Enter":
      if (row === undefined) return false;
      onSelect(row.last.seq);
      return true;
    case "+":
      setZoom((zoom) => Math.min(ZOOMS.length - 1, zoom + 1));
      return true;
    case "-":
      setZoom((zoom) => Math.max(0, zoom - 1));
      return true;
    default:
      return false;
  }
}

function ZoomBar({ zoom, onZoom, spanMs }: { zoom: number; onZoom: (zoom: number) => void; spanMs: number }) {
  return (
    <Group className={classes["bar"] ?? ""} gap={4} justify="space-between" wrap="nowrap">
      <Text size="xs" c="dimmed">
        {formatDuration(spanMs)} in all
      </Text>
      <Group gap={4} wrap="nowrap">
        {[
          { label: "Zoom out (-)", Icon: IconZoomOut, to: zoom - 1 },
          { label: "Whole run", Icon: IconZoomReset, to: 0 },
          { label: "Zoom in (+)", Icon: IconZoomIn, to: zoom + 1 },
        ].map(({ label, Icon, to }) => (
          <Tooltip key={label} label={label}>
            <ActionIcon
              variant="subtle"
              color="gray"
              aria-label={label}
              disabled={to === zoom || ZOOMS[to] === undefined}
              onClick={() => onZoom(to)}
            >
              <Icon size={16} />
            </ActionIcon>
          </Tooltip>
        ))}
      </Group>
    </Group>
  );
}

function Axis({ spanMs, marks }: { spanMs: number; marks: number }) {
  return (
    <div className={classes["axis"]} aria-hidden>
      <div className={classes["corner"]}>Task</div>
      <div className={classes["lane"]} data-axis>
        {ticksOf(spanMs, marks).map((tick) => (
          <span key={tick} className={classes["tick"]} style={{ left: `${(100 * tick) / spanMs}%` }}>
            {tick === 0 ? "0" : formatDuration(tick)}
          </span>
        ))}
      </div>
    </div>
  );
}

interface RowProps {
  id: string;
  row: TimelineRow;
  top: number;
  spanMs: number;
  isActive: boolean;
  isSelected: boolean;
  isOpen: boolean;
  selected: number | undefined;
  onToggle: () => void;
  onSelect: (seq: number) => void;
}

function Row({ id, row, top, spanMs, isActive, isSelected, isOpen, selected, onToggle, onSelect }: RowProps) {
  const { name, iteration, depth, hasChildren, bars, last } = row;
  const look = taskLook(last.status);
  const title = `${visibleText(name)}${iteration === undefined ? "" : ` [${iteration}]`}`;
  const Chevron = isOpen ? IconChevronDown : IconChevronRight;
  const took = bars.at(-1);
  return (
    <div
      id={id}
      role="treeitem"
      aria-level={depth + 1}
      aria-selected={isSelected}
      {...(hasChildren ? { "aria-expanded": isOpen } : {})}
      className={classes["row"]}
      data-active={isActive}
      style={{ transform: `translateY(${top}px)`, height: ROW_HEIGHT }}
      onClick={() => onSelect(last.seq)}
    >
      <div
        className={classes["name"]}
        style={{ paddingLeft: 8 + INDENT_PX * Math.min(depth, INDENTS_MAX) }}
        title={title}
      >
        <span
          className={classes["chevron"]}
          onClick={(event) => {
            if (!hasChildren) return;
            event.stopPropagation();
            onToggle();
          }}
        >
          {hasChildren ? <Chevron size={12} aria-hidden /> : null}
        </span>
        <StatusMark look={look} size={13} />
        <span className={classes["title"]}>{title}</span>
        <VisuallyHidden>
          , {look.label}
          {bars.length > 1 ? `, ${bars.length} attempts` : ""}
          {took === undefined ? ", not started" : ", "}
        </VisuallyHidden>
      </div>
      <div className={classes["lane"]}>
        {bars.map((bar) => (
          <Bar key={bar.seq} bar={bar} spanMs={spanMs} isSelected={bar.seq === selected} onSelect={onSelect} />
        ))}
        {took === undefined ? null : <Label bar={took} spanMs={spanMs} />}
      </div>
    </div>
  );
}

interface BarProps {
  bar: TimelineBar;
  spanMs: number;
  isSelected: boolean;
  onSelect: (seq: number) => void;
}

function Bar({ bar, spanMs, isSelected, onSelect }: BarProps) {
  const { tone, label } = taskLook(bar.status);
  const toMs = bar.toMs ?? spanMs;
  return (
    <span
      aria-hidden
      className={classes["span"]}
      data-wait={bar.isWait}
      data-open={bar.toMs === undefined}
      data-selected={isSelected}
      title={`Attempt ${bar.attempt}: ${label}, ${formatDuration(toMs - bar.fromMs)}, from ${formatDuration(bar.fromMs)} on`}
      style={{
        // What took no time at the very end is seen too.
        left: `min(${(100 * bar.fromMs) / spanMs}%, 100% - 3px)`,
        width: `${(100 * (toMs - bar.fromMs)) / spanMs}%`,
        ["--tone" as string]: `var(--lm-${tone})`,
        ["--tone-soft" as string]: `var(--lm-${tone}-soft)`,
      }}
      onClick={(event) => {
        event.stopPropagation();
        onSelect(bar.seq);
      }}
    />
  );
}

/** Beside the bar, on the side where there is room. */
function Label({ bar, spanMs }: { bar: TimelineBar; spanMs: number }) {
  const text = formatDuration((bar.toMs ?? spanMs) - bar.fromMs);
  const to = (100 * (bar.toMs ?? spanMs)) / spanMs;
  const from = (100 * bar.fromMs) / spanMs;
  if (to < 75)
    return (
      <span className={classes["took"]} style={{ left: `${to}%` }}>
        {text}
      </span>
    );
  if (from > 25)
    return (
      <span className={classes["took"]} style={{ right: `${100 - from}%` }}>
        {text}
      </span>
    );
  return (
    <span className={classes["took"]} data-inside style={{ left: `${from}%` }}>
      {text}
    </span>
  );
}
