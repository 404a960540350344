import { readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { LEGACY_REVISIONS, MODERN_REVISION, type Era } from "./protocolRevisions.ts";

/** In which era the copy of a bundle speaks, once that was learned. */
export interface KnownEras {
  of(bundleFolder: string): Era | undefined;
  remember(bundleFolder: string, era: Era): void;
  forget(bundleFolder: string): void;
}

/** A file beside the copy, which is named by its hash: content that did not change speaks as before. It goes with the copy. */
export const storedEras: KnownEras = {
  of(bundleFolder) {
    try {
      const revision = readFileSync(eraFileOf(bundleFolder), "utf8").trim();
      if (revision === MODERN_REVISION) return "modern";
      return revision === LEGACY_REVISIONS[0] ? "legacy" : undefined;
    } catch {
      // Not known yet.
      return undefined;
    }
  },
  remember(bundleFolder, era) {
    const unfinished = `${eraFileOf(bundleFolder)}.${process.pid}.new`;
    writeFileSync(unfinished, `${era === "modern" ? MODERN_REVISION : LEGACY_REVISIONS[0]}\n`);
    renameSync(unfinished, eraFileOf(bundleFolder));
  },
  forget(bundleFolder) {
    rmSync(eraFileOf(bundleFolder), { force: true });
  },
};

export function eraFileOf(bundleFolder: string): string {
  return `${bundleFolder}.protocol`;
}
