/** Imported before zod: it would otherwise try to compile schemas with `new Function`, which the page's CSP refuses. */
declare global {
  var __zod_globalConfig: { jitless?: boolean } | undefined;
}

globalThis.__zod_globalConfig = { jitless: true };

export {};
