/** Keys that work anywhere on a page but never while somebody types. */
import { useEffect, useEffectEvent } from "react";

export type KeyHandlers = Partial<Record<string, (event: KeyboardEvent) => unknown>>;

export interface Shortcut {
  keys: string;
  does: string;
}

export const SHORTCUTS: readonly Shortcut[] = [
  { keys: "j / k", does: "Next, previous row of the list" },
  { keys: "Enter", does: "Open the row" },
  { keys: "Esc", does: "Close the detail, leave a field" },
  { keys: "/", does: "Go to the filter" },
  { keys: "Ctrl K", does: "Go anywhere, run anything" },
  { keys: "g h, g r, g w, g p, g i, g a", does: "Home, Runs, Workflows, Plugins, Approvals, Audit" },
  { keys: "?", does: "This list" },
];

export function useKeys(handlers: KeyHandlers): void {
  const onKey = useEffectEvent((event: KeyboardEvent) => {
    if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey) return;
    if (isTyping(event.target) || document.querySelector("[role=dialog]") !== null) return;
    const handler = handlers[event.key];
    if (handler === undefined || handler(event) === false) return;
    event.preventDefault();
  });
  useEffect(() => {
    const listener = (event: KeyboardEvent) => onKey(event);
    window.addEventListener("keydown", listener);
    return () => window.removeEventListener("keydown", listener);
  }, []);
}

/** In a field, a menu or an editor the keys belong to it. */
export function isTyping(target: EventTarget | null): boolean {
  if (!(target instanceof HTMLElement)) return false;
  return (
    target.isContentEditable ||
    ["INPUT", "TEXTAREA", "SELECT"].includes(target.tagName) ||
    target.closest("[role=menu],[role=tablist],.cm-editor") !== null
  );
}
