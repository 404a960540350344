import { StringDecoder } from "node:string_decoder";
import { Interrupted } from "./context.ts";

/** A terminal as standard input. */
export type Terminal = NodeJS.ReadableStream & { isTTY: true; setRawMode: (isRaw: boolean) => unknown };

export function isTerminal(input: NodeJS.ReadableStream | undefined): input is Terminal {
  return input !== undefined && "isTTY" in input && input.isTTY === true && "setRawMode" in input;
}

const ENTER = new Set(["\r", "\n", "\u0004"]);
const INTERRUPT = "\u0003";
const BACKSPACE = new Set(["\u007f", "\b"]);

/** One line that the terminal does not show. Ctrl-D ends it, too. @throws Interrupted on Ctrl-C */
export async function readHidden(terminal: Terminal): Promise<string> {
  const decoder = new StringDecoder("utf8");
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  let typed: string[] = [];
  const read = (chunk: Buffer | string): void => {
    for (const key of decoder.write(Buffer.from(chunk as string))) {
      if (ENTER.has(key)) resolve(typed.join(""));
      else if (key === INTERRUPT) reject(new Interrupted());
      else if (BACKSPACE.has(key)) typed = typed.slice(0, -1);
      else typed.push(key);
    }
  };
  terminal.setRawMode(true);
  terminal.on("data", read);
  terminal.once("end", () => resolve(typed.join("")));
  terminal.resume();
  try {
    return await promise;
  } finally {
    terminal.off("data", read);
    terminal.setRawMode(false);
    terminal.pause();
  }
}
