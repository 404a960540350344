import { generateKeyPairSync } from "node:crypto";
import { chmodSync, existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { LogoMeshError } from "@logomesh/contracts/errors";
import { messageOf } from "../base/index.ts";
import { logOf, originOf } from "./checkpoint.ts";
import { createNoteSigner, parseVerifierKey, type NoteSigner } from "./signedNote.ts";

const KEY_FILE = "audit.key";
/** Public: what a verifier needs. */
export const VERIFIER_KEY_FILE = "audit.vkey";
const PRIVATE_FILE_MODE = 0o600;
const PRIVATE_FOLDER_MODE = 0o700;

export interface AuditKeys {
  log: string;
  signer: NoteSigner;
}

/**
 * The log's key pair from the workspace's key folder; made on first use. The verifier key's name holds the log's id, so a database that
 * was put in place of another is noticed.
 * @throws LogoMeshError LM_AUDIT_TAMPERED
 */
export function loadAuditKeys(options: { folder: string; newLogId: () => string }): AuditKeys {
  const { folder } = options;
  const keyPath = join(folder, KEY_FILE);
  const verifierPath = join(folder, VERIFIER_KEY_FILE);
  // The private key is written last: without it nothing was ever signed. A database with entries refuses the new log id.
  if (!existsSync(keyPath)) return createAuditKeys({ ...options, keyPath, verifierPath });
  try {
    if ((statSync(keyPath).mode & 0o077) !== 0) chmodSync(keyPath, PRIVATE_FILE_MODE);
    const stored = parseVerifierKey(readFileSync(verifierPath, "utf8"));
    const log = stored === undefined ? undefined : logOf(stored.name);
    if (stored === undefined || log === undefined) throw new Error(`${VERIFIER_KEY_FILE} is not a verifier key`);
    const signer = createNoteSigner({ name: stored.name, privateKeyPem: readFileSync(keyPath, "utf8") });
    if (signer.verifier.text !== stored.text) throw new Error(`${VERIFIER_KEY_FILE} does not belong to ${KEY_FILE}`);
    return { log, signer };
  } catch (error) {
    throw new LogoMeshError(
      "LM_AUDIT_TAMPERED",
      `The keys of the audit log in ${folder} cannot be used: ${messageOf(error)}. Restore both files from a backup.`,
      { cause: error },
    );
  }
}

/** Whether a log was begun with keys in this folder. */
export function hasAuditKeys(folder: string): boolean {
  return existsSync(join(folder, KEY_FILE));
}

function createAuditKeys(options: {
  folder: string;
  newLogId: () => string;
  keyPath: string;
  verifierPath: string;
}): AuditKeys {
  mkdirSync(options.folder, { recursive: true, mode: PRIVATE_FOLDER_MODE });
  const log = options.newLogId();
  const { privateKey } = generateKeyPairSync("ed25519");
  const privateKeyPem = privateKey.export({ type: "pkcs8", format: "pem" }).toString();
  const signer = createNoteSigner({ name: originOf(log), privateKeyPem });
  writeFileSync(options.verifierPath, `${signer.verifier.text}\n`, { flush: true });
  writeFileSync(options.keyPath, privateKeyPem, { mode: PRIVATE_FILE_MODE, flag: "wx", flush: true });
  return { log, signer };
}
