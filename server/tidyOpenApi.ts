const COMPONENT = /"#\/components\/schemas\/(\w+)"/g;

interface OpenApiDocument {
  paths?: unknown;
  components?: { schemas?: Record<string, unknown> };
}

/**
 * The document with only those named schemas that its paths refer to.
 * The one schema that refers to itself without a name is "any JSON value" within a JSON object; it gets the name of JsonValue.
 */
export function tidyOpenApi<T extends OpenApiDocument>(document: T): T {
  const text = JSON.stringify(document).replaceAll(
    /components\/schemas\/__shared#\/\$defs\/\w+/g,
    "components/schemas/JsonValue",
  );
  const named = JSON.parse(text) as T;
  const all = named.components?.schemas ?? {};
  const used = new Set<string>();
  const visit = (value: unknown): void => {
    for (const [, name = ""] of JSON.stringify(value).matchAll(COMPONENT)) {
      if (used.has(name)) continue;
      used.add(name);
      visit(all[name]);
    }
  };
  visit(named.paths);
  const schemas = Object.fromEntries(
    Object.entries(all)
      .filter(([name]) => used.has(name))
      .toSorted(([a], [b]) => (a < b ? -1 : 1)),
  );
  return { ...named, components: { ...named.components, schemas } };
}
