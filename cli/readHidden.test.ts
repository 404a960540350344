import { PassThrough } from "node:stream";
import { expect, test } from "vitest";
import { Interrupted } from "./context.ts";
import { isTerminal, readHidden, type Terminal } from "./readHidden.ts";

function terminal(): { input: Terminal; modes: boolean[]; type: (keys: string | Buffer) => void } {
  const modes: boolean[] = [];
  const stream = new PassThrough();
  const input = Object.assign(stream, { isTTY: true as const, setRawMode: (isRaw: boolean) => modes.push(isRaw) });
  return { input, modes, type: (keys) => stream.write(keys) };
}

test("a line is read without echo, key by key, and the terminal is as it was", async () => {
  const { input, modes, type } = terminal();
  const read = readHidden(input);
  expect(modes).toEqual([true]);
  const bytes = Buffer.from("s3crét");
  type(bytes.subarray(0, 5));
  type(bytes.subarray(5));
  type("x\u007f\u007f\u007f!\rmore");
  // Three steps back: the x, the t and the é.
  expect(await read).toBe("s3cr!");
  expect(modes).toEqual([true, false]);
});

test("Ctrl-C interrupts, Ctrl-D and the end of the input end the line", async () => {
  const interrupted = terminal();
  const read = readHidden(interrupted.input);
  interrupted.type("abc\u0003");
  await expect(read).rejects.toBeInstanceOf(Interrupted);
  expect(interrupted.modes).toEqual([true, false]);
  const ended = terminal();
  const whole = readHidden(ended.input);
  ended.type("abc\u0004");
  expect(await whole).toBe("abc");
  expect(isTerminal(new PassThrough())).toBe(false);
  expect(isTerminal(undefined)).toBe(false);
  expect(isTerminal(ended.input)).toBe(true);
});
