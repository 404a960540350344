import { cpSync, existsSync, readFileSync, readdirSync, statSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { LogoMeshError } from "@logomesh/contracts";
import { MANIFEST_FILE, readManifest } from "../manifest.ts";

/** What templates call themselves, and what stands there in a plugin that is made of one. */
const TEMPLATE_ID = "org.example.hello";
const TEMPLATE_NAME = "Hello";

export interface CreatePluginOptions {
  /** A folder of templates/plugins. */
  template: string;
  /** Must be missing or empty. */
  folder: string;
  /** Default: `org.example.<name of the folder>`. */
  id?: string;
}

/** Makes a plugin that runs at once. @throws LogoMeshError LM_CONFLICT, LM_PLUGIN_MANIFEST_INVALID */
export function createPlugin({ template, folder, id }: CreatePluginOptions): { id: string; files: string[] } {
  if (existsSync(folder) && (!statSync(folder).isDirectory() || readdirSync(folder).length > 0))
    throw new LogoMeshError(
      "LM_CONFLICT",
      `${folder} is not an empty folder. Choose another one; nothing was changed.`,
    );
  const slug = slugOf(basename(folder));
  const pluginId = id ?? `org.example.${slug}`;
  const name = slug.replaceAll("-", " ").replace(/^./, (letter) => letter.toUpperCase());
  cpSync(template, folder, { recursive: true });
  const files = listFiles(folder);
  for (const file of files) {
    const path = join(folder, file);
    const text = readFileSync(path, "utf8");
    const filled = text.replaceAll(TEMPLATE_ID, pluginId).replaceAll(`"name": "${TEMPLATE_NAME}"`, `"name": "${name}"`);
    if (filled !== text) writeFileSync(path, filled);
  }
  // An id that is none is refused by name, after the fact: the folder was empty before.
  return {
    id: readManifest(folder).id,
    files: files
      .filter((file) => file !== MANIFEST_FILE)
      .concat(MANIFEST_FILE)
      .sort(),
  };
}

function slugOf(text: string): string {
  const slug = text
    .toLowerCase()
    .replaceAll(/[^a-z0-9]+/g, "-")
    .replaceAll(/^-+|-+$/g, "");
  return slug === "" ? "plugin" : slug;
}

function listFiles(folder: string): string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map(({ parentPath, name }) => join(parentPath, name).slice(folder.length + 1))
    .sort();
}
