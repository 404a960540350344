import { LogoMeshError } from "@logomesh/contracts";

/** Why a file is not read or changed; goes along as `data.reason`. */
export type RefusalReason =
  "path" | "outside" | "link" | "kind" | "names" | "mount" | "moved" | "text" | "unchanged" | "permission" | "platform";

export function refused(path: string, reason: RefusalReason, detail: string): LogoMeshError {
  return new LogoMeshError("LM_FILE_REFUSED", `${shown(path)} is refused: ${detail}.`, { data: { reason } });
}

export function notFound(path: string): LogoMeshError {
  return new LogoMeshError("LM_FILE_NOT_FOUND", `There is no ${shown(path)}.`);
}

export function movedOn(path: string, detail: string): LogoMeshError {
  return new LogoMeshError("LM_FILE_MOVED_ON", `${shown(path)} ${detail}; nothing was written.`);
}

export function tooLarge(path: string, what: { bytes: string; limit: number; name: string }): LogoMeshError {
  return new LogoMeshError(
    "LM_TOO_LARGE",
    `${shown(path)} has ${what.bytes} bytes; ${what.name} is ${what.limit}. Use a smaller file.`,
    { data: { limit: what.limit } },
  );
}

/** Characters of a path that an error repeats. */
const SHOWN_CHARS_MAX = 200;

function shown(path: string): string {
  const text = path.toWellFormed();
  return `“${text.length > SHOWN_CHARS_MAX ? `${text.slice(0, SHOWN_CHARS_MAX)}…` : text}”`;
}

const SYSTEM_REFUSALS: Readonly<Record<string, [RefusalReason, string]>> = {
  ENOTDIR: ["kind", "part of it is no folder"],
  ELOOP: ["link", "part of it is a link"],
  ENAMETOOLONG: ["path", "a name in it is longer than this file system takes"],
  EACCES: ["permission", "the operating system does not let the workbench do that"],
  EPERM: ["permission", "the operating system does not let the workbench do that"],
  EROFS: ["permission", "its file system is read-only"],
};

/** What the kernel said, in our words; anything unknown passes through. */
export function fromSystem(error: unknown, path: string): unknown {
  const { code = "" } = error as NodeJS.ErrnoException;
  if (code === "ENOENT") return notFound(path);
  const refusal = Object.hasOwn(SYSTEM_REFUSALS, code) ? SYSTEM_REFUSALS[code] : undefined;
  return refusal === undefined ? error : refused(path, ...refusal);
}
