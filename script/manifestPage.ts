// docs/plugin-manifest.md: every field of the manifest's JSON Schema, with what it holds, its bounds, its default and what it is for.

/** As much of JSON Schema as the manifest uses. */
export interface ManifestSchema {
  type?: string;
  description?: string;
  default?: unknown;
  enum?: readonly string[];
  format?: string;
  pattern?: string;
  minimum?: number;
  maximum?: number;
  minLength?: number;
  maxLength?: number;
  minItems?: number;
  maxItems?: number;
  required?: readonly string[];
  properties?: Record<string, ManifestSchema>;
  items?: ManifestSchema;
  additionalProperties?: boolean | ManifestSchema;
}

const HEAD = [
  "# The manifest, `plugin.json`",
  "",
  "Every field of version 1. Generated from [the JSON Schema](../contracts/plugins/pluginManifest.schema.json) by `node script/generate.ts`;",
  "`logomesh plugin validate <folder>` checks a manifest and names field, line and column. What the fields are for, with examples: [the plugin",
  "guide](plugins.md). A field that is not listed here is refused.",
];

const COLUMNS = ["| field | holds | default | what it is |", "| --- | --- | --- | --- |"];

export function manifestPage(schema: ManifestSchema): string {
  const { resource_limits, permissions, tools, ...fields } = schema.properties ?? {};
  const part = (title: string, of: ManifestSchema | undefined): string[] => [
    ...["", `## ${title}`, "", of?.description ?? "", "", ...COLUMNS],
    ...rowsOf(of?.properties ?? {}, of?.required),
  ];
  const tool = typeof tools?.additionalProperties === "object" ? tools.additionalProperties : undefined;
  return [
    ...HEAD,
    ...["", "## Fields", "", ...COLUMNS, ...rowsOf(fields, schema.required)],
    ...part("`resource_limits`", resource_limits),
    ...part("`permissions`", permissions),
    ...part("`tools`", { ...tool, ...(tools?.description === undefined ? {} : { description: tools.description }) }),
    "",
  ].join("\n");
}

/** One row for each field, those of its entries below it. */
function rowsOf(fields: Record<string, ManifestSchema>, required: readonly string[] = [], place = ""): string[] {
  return Object.entries(fields).flatMap(([name, field]) => {
    const entry = field.items ?? field;
    const isNeeded = required.includes(name) && field.default === undefined;
    const given =
      field.default === undefined ? (isNeeded ? "**required**" : "") : `\`${JSON.stringify(field.default)}\``;
    const path = `${place}${name}`;
    const row = `| \`${path}\` | ${holds(field)} | ${given} | ${cell(field.description ?? "")} |`;
    const inner = entry.properties ?? {};
    return [row, ...rowsOf(inner, entry.required, field.items === undefined ? `${path}.` : `${path}[].`)];
  });
}

function holds(field: ManifestSchema): string {
  const { type = "", items, pattern, minItems, maxItems } = field;
  if (field.enum !== undefined) return field.enum.map((value) => `\`${value}\``).join(", ");
  if (items !== undefined) {
    const entries = items.properties === undefined ? holds(items) : "objects";
    return `list${within(minItems, maxItems).replace(/^,/, " of")}: ${entries}`;
  }
  if (type === "string") {
    const length = within(field.minLength, field.maxLength);
    return `text${length === "" ? "" : `${length} characters`}${pattern === undefined ? "" : `, \`${cell(pattern)}\``}`;
  }
  return `${type}${within(field.minimum, field.maximum)}`;
}

function within(low: number | undefined, high: number | undefined): string {
  const most = high === Number.MAX_SAFE_INTEGER ? undefined : high;
  if (most !== undefined) return low === undefined ? `, at most ${most}` : `, ${low} to ${most}`;
  return low === undefined ? "" : `, at least ${low}`;
}

/** A bar would end the cell. */
function cell(text: string): string {
  return text.replaceAll("|", "\\|");
}
