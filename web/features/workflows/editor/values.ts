/** Values that stand at many places of a definition. */
import { mapping, oneOf, type Node } from "./grammar.ts";

const DURATION_TEXTS = [
  { value: "PT5S", detail: "5 seconds" },
  { value: "PT30S", detail: "30 seconds" },
  { value: "PT5M", detail: "5 minutes" },
  { value: "PT1H", detail: "1 hour" },
  { value: "P1D", detail: "1 day" },
];

export const DURATION: Node = {
  ...oneOf(...DURATION_TEXTS),
  ...mapping({
    days: { doc: "Days." },
    hours: { doc: "Hours." },
    minutes: { doc: "Minutes." },
    seconds: { doc: "Seconds." },
    milliseconds: { doc: "Milliseconds." },
  }),
};

export const ERROR_TYPE = oneOf(
  ...[
    "configuration",
    "validation",
    "expression",
    "authentication",
    "authorization",
    "timeout",
    "communication",
    "runtime",
  ].map((name) => ({ value: `https://open-workflow-specification.org/spec/1.0.0/errors/${name}` })),
);

export const YES_OR_NO = oneOf("true", "false");
