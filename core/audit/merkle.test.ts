import { hash } from "node:crypto";
import { expect, test } from "vitest";
import { Frontier, leafHash } from "./merkle.ts";

/** The definition of RFC 6962, section 2.1, word for word. */
function definedRoot(leaves: readonly Uint8Array[]): Uint8Array {
  if (leaves.length === 0) return hash("sha256", "", "buffer");
  if (leaves.length === 1) return hash("sha256", Buffer.concat([Buffer.from([0]), leaves[0]!]), "buffer");
  let split = 1;
  while (split * 2 < leaves.length) split *= 2;
  const parts = [definedRoot(leaves.slice(0, split)), definedRoot(leaves.slice(split))];
  return hash("sha256", Buffer.concat([Buffer.from([1]), ...parts]), "buffer");
}

test("[AU8] the root of every size is the defined one, also when the frontier was stored in between", () => {
  const leaves = Array.from({ length: 70 }, (_, index) => Buffer.from(`leaf ${index}`));
  let frontier = Frontier.EMPTY;
  for (let size = 0; size <= leaves.length; size++) {
    expect(Buffer.from(frontier.root()).toString("hex")).toBe(
      Buffer.from(definedRoot(leaves.slice(0, size))).toString("hex"),
    );
    if (size < leaves.length) frontier = Frontier.decode(size, frontier.encode()).append(leafHash(leaves[size]!));
  }
});

test("[AU8] the published roots of RFC 6962's test tree come out", () => {
  const inputs = ["", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f"];
  let frontier = Frontier.EMPTY;
  expect(Buffer.from(frontier.root()).toString("hex")).toBe(
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
  );
  for (const input of inputs) frontier = frontier.append(leafHash(Buffer.from(input, "hex")));
  expect(Buffer.from(frontier.root()).toString("hex")).toBe(
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
  );
});

test("[AU8] a frontier of the wrong length is refused", () => {
  expect(() => Frontier.decode(3, new Uint8Array(32))).toThrow("has 64 bytes of frontier, not 32");
});
