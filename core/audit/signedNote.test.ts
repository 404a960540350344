import { createPrivateKey, generateKeyPairSync } from "node:crypto";
import { expect, test } from "vitest";
import { checkpointText, claimedSize, logOf, parseCheckpoint } from "./checkpoint.ts";
import { splitNotes } from "./outsideCheckpoints.ts";
import { createNoteSigner, openSignedNote, parseVerifierKey } from "./signedNote.ts";

const privateKeyPem = generateKeyPairSync("ed25519").privateKey.export({ type: "pkcs8", format: "pem" }).toString();
const signer = createNoteSigner({ name: "logomesh.local/log_x", privateKeyPem });
const other = createNoteSigner({
  name: "witness",
  privateKeyPem: generateKeyPairSync("ed25519").privateKey.export({ type: "pkcs8", format: "pem" }).toString(),
});

test("[AU9] the example key of the C2SP specification is understood", () => {
  const text = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW";
  const key = parseVerifierKey(text);
  expect(key?.name).toBe("PeterNeumann");
  const note =
    "If you think cryptography is the answer to your problem,\nthen you don't know what your problem is.\n\n" +
    "— PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n";
  expect(openSignedNote(note, key!)).toBe(note.slice(0, note.indexOf("\n\n") + 1));
  expect(parseVerifierKey(text.replace("c74f20a3", "c74f20a4"))).toBeUndefined();
});

test("[AU9] a note opens only with its key, whole, and whoever else signed it", () => {
  const note = signer.sign("a\n1\n");
  expect(openSignedNote(note, signer.verifier)).toBe("a\n1\n");
  expect(openSignedNote(note, other.verifier)).toBeUndefined();
  const witnessed = note + other.sign("a\n1\n").split("\n\n")[1]!;
  expect(openSignedNote(witnessed, signer.verifier)).toBe("a\n1\n");
  expect(openSignedNote(witnessed, other.verifier)).toBe("a\n1\n");
  for (let index = 0; index < note.length; index++) {
    const changed = note.slice(0, index) + String.fromCharCode(note.charCodeAt(index) ^ 1) + note.slice(index + 1);
    expect(openSignedNote(changed, signer.verifier)).toBeUndefined();
    expect(openSignedNote(note.slice(0, index), signer.verifier)).toBeUndefined();
  }
});

test("[AU9] only exact checkpoints are parsed", () => {
  const text = checkpointText({ origin: "logomesh.local/l", size: 7, root: new Uint8Array(32) });
  expect(parseCheckpoint(text)).toEqual({ origin: "logomesh.local/l", size: 7, root: Buffer.alloc(32) });
  for (const bad of [
    `${text}more\n`,
    text.replace("7", "07"),
    text.replace("7", "-1"),
    text.slice(0, -2),
    "",
    "a\n",
    "a\n1\n",
  ]) {
    expect(parseCheckpoint(bad)).toBeUndefined();
  }
  expect(claimedSize(text)).toBe(7);
  expect(claimedSize("x\ny\n")).toBeUndefined();
  expect(logOf("elsewhere/l")).toBeUndefined();
});

test("[AU10] concatenated notes are cut apart, an unfinished end is kept apart", () => {
  const notes = [signer.sign("a\n1\n"), signer.sign("b\n2\n")];
  expect(splitNotes(notes.join(""))).toEqual({ notes, rest: "" });
  const whole = notes.join("");
  for (let length = notes[0]!.length; length < whole.length; length++) {
    expect(splitNotes(whole.slice(0, length))).toEqual({
      notes: [notes[0]],
      rest: whole.slice(notes[0]!.length, length),
    });
  }
  expect(createPrivateKey(privateKeyPem).asymmetricKeyType).toBe("ed25519");
});
