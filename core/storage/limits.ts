import { LogoMeshError } from "@logomesh/contracts/errors";

/** Of one blob: it is held in memory as a whole, on both sides of the writer. */
export const BLOB_BYTES_MAX = 64 * 1024 * 1024;
/** What one owner pays for. */
export const OWNER_BYTES_MAX = 512 * 1024 * 1024;
export const OWNER_BLOBS_MAX = 10_000;
/** Blobs of one payer in one receiver's hands: nobody fills another's list. */
export const HANDED_BLOBS_MAX = 1_000;
/** Of one value as JSON text: as much as one message of a plugin holds by default. */
export const VALUE_BYTES_MAX = 1024 * 1024;
export const KEY_BYTES_MAX = 512;
export const KEYS_MAX = 100_000;
export const KEYS_LISTED_MAX = 1_000;
/** What one commit of `clear` takes away. */
export const CLEAR_ENTRIES_MAX = 500;
export const CLEAR_BYTES_MAX = 16 * 1024 * 1024;

const OWNER_CHARS_MAX = 200;
const MEDIA_CHARS_MAX = 127;
const OWNER = /^[a-z]+:[\x21-\x7e]+$/;
const TOKEN = "[A-Za-z0-9!#$&^_.+-]+";
const MEDIA = new RegExp(`^${TOKEN}/${TOKEN}(; ?${TOKEN}=(${TOKEN}|"[ !#-\\[\\]-~]*"))*$`);
const CONTROL = /\p{Cc}/u;

/** Owner of a plugin's blobs. */
export function pluginOwner(pluginId: string): string {
  return `plugin:${pluginId}`;
}

/** @throws LogoMeshError LM_INPUT_INVALID */
export function assertOwner(owner: string): void {
  if (owner.length <= OWNER_CHARS_MAX && OWNER.test(owner)) return;
  throw invalid(
    `${JSON.stringify(owner.slice(0, OWNER_CHARS_MAX))} is no owner of blobs; write plugin:<id> or run:<id>.`,
  );
}

/** @throws LogoMeshError LM_INPUT_INVALID */
export function assertSha256(sha256: string): void {
  if (/^[0-9a-f]{64}$/.test(sha256)) return;
  throw invalid(`${JSON.stringify(sha256.slice(0, 80))} is no SHA-256; write 64 lower-case hexadecimal digits.`);
}

/** @throws LogoMeshError LM_INPUT_INVALID */
export function assertMedia(media: string): void {
  if (media.length <= MEDIA_CHARS_MAX && MEDIA.test(media)) return;
  throw invalid(
    `${JSON.stringify(media.slice(0, MEDIA_CHARS_MAX))} is no media type of at most ${MEDIA_CHARS_MAX} characters; write for example image/png.`,
  );
}

/** @throws LogoMeshError LM_INPUT_INVALID */
export function assertKey(key: string): void {
  const problem = problemOfKey(key);
  if (problem !== undefined) throw invalid(`The key ${JSON.stringify(key.slice(0, 80))} ${problem}.`);
}

function problemOfKey(key: string): string | undefined {
  if (key === "") return "is empty";
  if (key.length > KEY_BYTES_MAX || Buffer.byteLength(key) > KEY_BYTES_MAX) {
    return `has more than ${KEY_BYTES_MAX} bytes of UTF-8`;
  }
  if (!key.isWellFormed()) return "holds half a character (a lone surrogate)";
  return CONTROL.test(key) ? "holds a control character" : undefined;
}

function invalid(detail: string): LogoMeshError {
  return new LogoMeshError("LM_INPUT_INVALID", detail);
}
