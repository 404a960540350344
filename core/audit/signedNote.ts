import { createPrivateKey, createPublicKey, hash, sign, verify, type KeyObject } from "node:crypto";

// C2SP signed-note (https://c2sp.org/signed-note): text ending in a newline, an empty line, then lines `— <name> <base64(keyId ‖ signature)>`.
// Ed25519 is signature type 0x01; the key id is the first four bytes of SHA-256(name ‖ 0x0A ‖ 0x01 ‖ public key).

const ED25519_TYPE = 1;
const KEY_ID_BYTES = 4;
const PUBLIC_KEY_BYTES = 32;
const SIGNATURE_BYTES = 64;
/** DER header of an Ed25519 SubjectPublicKeyInfo (RFC 8410). */
const SPKI_PREFIX = Buffer.from("302a300506032b6570032100", "hex");
const SIGNATURE_LINE = /^— (\S+) ([A-Za-z0-9+/]+={0,2})$/;

/** A verifier key: `<name>+<hex key id>+<base64(0x01 ‖ public key)>`. */
export interface VerifierKey {
  readonly name: string;
  readonly keyId: Buffer;
  readonly publicKey: KeyObject;
  readonly text: string;
}

export interface NoteSigner {
  readonly verifier: VerifierKey;
  /** @param text ends with a newline and holds no empty line */
  sign(text: string): string;
}

export function createNoteSigner({ name, privateKeyPem }: { name: string; privateKeyPem: string }): NoteSigner {
  const privateKey = createPrivateKey(privateKeyPem);
  const spki = createPublicKey(privateKey).export({ type: "spki", format: "der" });
  const verifier = buildVerifierKey(name, spki.subarray(SPKI_PREFIX.length));
  return {
    verifier,
    sign(text) {
      const signature = sign(null, Buffer.from(text, "utf8"), privateKey);
      return `${text}\n— ${name} ${Buffer.concat([verifier.keyId, signature]).toString("base64")}\n`;
    },
  };
}

function buildVerifierKey(name: string, raw: Uint8Array): VerifierKey {
  const typed = Buffer.concat([new Uint8Array([ED25519_TYPE]), raw]);
  const keyId = hash("sha256", Buffer.concat([Buffer.from(`${name}\n`, "utf8"), typed]), "buffer").subarray(
    0,
    KEY_ID_BYTES,
  );
  return {
    name,
    keyId,
    publicKey: createPublicKey({ key: Buffer.concat([SPKI_PREFIX, raw]), format: "der", type: "spki" }),
    text: `${name}+${keyId.toString("hex")}+${typed.toString("base64")}`,
  };
}

/** Undefined when the text is not an Ed25519 verifier key or its key id does not match. */
export function parseVerifierKey(text: string): VerifierKey | undefined {
  const [, name, encoded] = /^([^\s+]+)\+[0-9a-f]{8}\+([A-Za-z0-9+/]+={0,2})$/.exec(text.trim()) ?? [];
  if (name === undefined || encoded === undefined) return undefined;
  const typed = Buffer.from(encoded, "base64");
  if (typed.length !== PUBLIC_KEY_BYTES + 1 || typed[0] !== ED25519_TYPE) return undefined;
  const key = buildVerifierKey(name, typed.subarray(1));
  return key.text === text.trim() ? key : undefined;
}

/** The signed text when the key signed the note; undefined otherwise. Signatures by other keys are ignored. */
export function openSignedNote(note: string, key: VerifierKey): string | undefined {
  const split = note.lastIndexOf("\n\n");
  if (split < 0 || !note.endsWith("\n")) return undefined;
  const text = note.slice(0, split + 1);
  let signed = false;
  for (const line of note.slice(split + 2, -1).split("\n")) {
    const [, name, encoded] = SIGNATURE_LINE.exec(line) ?? [];
    if (name === undefined || encoded === undefined) return undefined;
    const bytes = Buffer.from(encoded, "base64");
    if (bytes.toString("base64") !== encoded) return undefined;
    if (name !== key.name || !bytes.subarray(0, KEY_ID_BYTES).equals(key.keyId)) continue;
    const signature = bytes.subarray(KEY_ID_BYTES);
    if (signature.length !== SIGNATURE_BYTES) return undefined;
    if (!verify(null, Buffer.from(text, "utf8"), key.publicKey, signature)) return undefined;
    signed = true;
  }
  return signed ? text : undefined;
}
