import {
  closeSync,
  constants,
  fchmodSync,
  fstatSync,
  fsyncSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { dirname } from "node:path";
import { LogoMeshError, SecretNameSchema, type Secret } from "@logomesh/contracts";
import { z } from "zod";
import { messageOf } from "../base/index.ts";
import type { Clock, Secrets } from "../ports/index.ts";

// Secrets are few and asked for often, so they are held in memory; the file is what survives. It is written as a whole, beside the old one.

const SECRETS_MAX = 500;
const VALUE_BYTES_MAX = 32 * 1024;
/** Shorter ones are parts of ordinary words, which redacting would only garble. */
const REDACTED_CHARS_MIN = 6;
const OTHERS_MAY = 0o077;

const FileSchema = z.strictObject({
  secrets: z.record(SecretNameSchema, z.strictObject({ value: z.string(), updatedAt: z.iso.datetime() })),
});

interface StoredSecret {
  value: string;
  updatedAt: string;
}

export class SecretVault implements Secrets {
  readonly #file: string;
  readonly #clock: Clock;
  readonly #secrets: Map<string, StoredSecret>;
  /** What is replaced, longest first, so that a part of a value never uncovers the rest. */
  #redactions: { text: string; by: string }[] = [];

  /** @throws LogoMeshError LM_WORKSPACE_INVALID for a file that cannot be used; it is not touched */
  constructor({ file, clock }: { file: string; clock: Clock }) {
    this.#file = file;
    this.#clock = clock;
    this.#secrets = readSecrets(file);
    this.#prepareRedactions();
  }

  get(name: string): string | undefined {
    return this.#secrets.get(name)?.value;
  }

  redact(text: string): string {
    let redacted = text;
    for (const { text: value, by } of this.#redactions) redacted = redacted.replaceAll(value, by);
    return redacted;
  }

  describe(name: string): Secret | undefined {
    const secret = this.#secrets.get(name);
    return secret === undefined ? undefined : { name, updatedAt: secret.updatedAt };
  }

  /** By name. */
  list(): Secret[] {
    return [...this.#secrets]
      .map(([name, { updatedAt }]) => ({ name, updatedAt }))
      .sort((a, b) => (a.name < b.name ? -1 : 1));
  }

  /** @throws LogoMeshError LM_INPUT_INVALID, LM_TOO_LARGE for what `set` would refuse */
  assertCanSet(name: string, value: string): void {
    if (!SecretNameSchema.safeParse(name).success) {
      throw new LogoMeshError(
        "LM_INPUT_INVALID",
        `${JSON.stringify(name.slice(0, 100))} is no name of a secret; write A-Z, 0-9 and _, like API_KEY.`,
      );
    }
    if (value === "" || value.includes("\0") || !value.isWellFormed()) {
      throw new LogoMeshError("LM_INPUT_INVALID", `The value of ${name} is empty or is not text.`);
    }
    if (Buffer.byteLength(value) > VALUE_BYTES_MAX) {
      throw new LogoMeshError("LM_TOO_LARGE", `The value of ${name} has more than ${VALUE_BYTES_MAX} bytes.`);
    }
    if (this.#secrets.size >= SECRETS_MAX && !this.#secrets.has(name)) {
      throw new LogoMeshError("LM_TOO_LARGE", `There are ${SECRETS_MAX} secrets, the most allowed. Remove some first.`);
    }
  }

  set(name: string, value: string): Secret {
    this.assertCanSet(name, value);
    const updatedAt = new Date(this.#clock.nowMs()).toISOString();
    this.#replace(new Map(this.#secrets).set(name, { value, updatedAt }));
    return { name, updatedAt };
  }

  remove(name: string): void {
    const rest = new Map(this.#secrets);
    rest.delete(name);
    this.#replace(rest);
  }

  /** The file first: what could not be kept is not used either. */
  #replace(secrets: ReadonlyMap<string, StoredSecret>): void {
    writeWhole(this.#file, JSON.stringify({ secrets: Object.fromEntries(secrets) }, undefined, 2));
    this.#secrets.clear();
    for (const [name, secret] of secrets) this.#secrets.set(name, secret);
    this.#prepareRedactions();
  }

  #prepareRedactions(): void {
    const redactions = new Map<string, string>();
    for (const [name, { value }] of this.#secrets) {
      // What is shown line by line shows a long value line by line.
      const parts = [value, value.trim(), ...value.split(/\r?\n/).map((line) => line.trim())];
      for (const text of parts) if (text.length >= REDACTED_CHARS_MIN) redactions.set(text, `[secret ${name}]`);
    }
    this.#redactions = [...redactions]
      .map(([text, by]) => ({ text, by }))
      .sort((a, b) => b.text.length - a.text.length);
  }
}

function readSecrets(file: string): Map<string, StoredSecret> {
  let descriptor: number;
  try {
    descriptor = openSync(file, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return new Map();
    throw unusable(file, error);
  }
  try {
    const status = fstatSync(descriptor);
    if (!status.isFile()) throw new Error("it is no ordinary file");
    if ((status.mode & OTHERS_MAY) !== 0) fchmodSync(descriptor, 0o600);
    const { secrets } = FileSchema.parse(JSON.parse(readFileSync(descriptor, "utf8")));
    return new Map(Object.entries(secrets));
  } catch (error) {
    throw unusable(file, error);
  } finally {
    closeSync(descriptor);
  }
}

/** The message of a parser quotes what it read: it must not go along. */
function unusable(file: string, error: unknown): LogoMeshError {
  const { code } = error as NodeJS.ErrnoException;
  const why =
    code ?? (error instanceof SyntaxError || error instanceof z.ZodError ? "it is damaged" : messageOf(error));
  return new LogoMeshError(
    "LM_WORKSPACE_INVALID",
    `The secrets in ${file} cannot be used: ${why}. Repair the file, or remove it and set the secrets again.`,
  );
}

function writeWhole(file: string, text: string): void {
  const beside = `${file}.new`;
  rmSync(beside, { force: true });
  const descriptor = openSync(beside, constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL, 0o600);
  try {
    writeFileSync(descriptor, `${text}\n`);
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
  renameSync(beside, file);
  const folder = openSync(dirname(file), constants.O_RDONLY);
  try {
    fsyncSync(folder);
  } finally {
    closeSync(folder);
  }
}
