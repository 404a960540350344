import { EventEmitter, once } from "node:events";
import { LogoMeshError } from "@logomesh/contracts";
import { expect, test } from "vitest";
import { serveJob, type Jobs } from "./jobProcess.ts";

const jobs: Jobs = {
  double: ({ n }: { n: number }) => n * 2,
  refuse: () => {
    throw new LogoMeshError("LM_DB_CORRUPT", "damaged");
  },
};

/** The answer to one request, and that the process could end then. */
async function answerTo(request: { name: string; params: unknown }): Promise<unknown> {
  const sent: unknown[] = [];
  const channel = Object.assign(new EventEmitter(), {
    send: (answer: unknown, done: () => void) => {
      sent.push(answer);
      done();
    },
    disconnect: () => void channel.emit("disconnected"),
  });
  serveJob(jobs, channel);
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) expect(channel.emit(signal)).toBe(true);
  const disconnected = once(channel, "disconnected");
  channel.emit("message", request);
  await disconnected;
  return sent;
}

test("[DB21] a job answers its value or its typed error, once, and lets the process end", async () => {
  expect(await answerTo({ name: "double", params: { n: 4 } })).toEqual([{ ok: true, value: 8 }]);
  expect(await answerTo({ name: "refuse", params: {} })).toMatchObject([
    { ok: false, problem: { code: "LM_DB_CORRUPT" } },
  ]);
  expect(await answerTo({ name: "toString", params: {} })).toMatchObject([
    { ok: false, problem: { code: "LM_INTERNAL" } },
  ]);
});
