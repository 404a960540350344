import { MessageChannel, type MessagePort } from "node:worker_threads";
import { once } from "node:events";
import { expect, test } from "vitest";
import { createSeededRandom, createTempFolder, FakeClock } from "../testing/index.ts";
import type { CreateWriterModule, WriteContext } from "./writeContext.ts";
import type { BatchOutcome } from "./writer.ts";
import { serveWriter, type WriterResponse } from "./writerThread.ts";

const echoModule: CreateWriterModule = (connection) => {
  connection.sql("CREATE TABLE IF NOT EXISTS t (x TEXT) STRICT").run();
  return {
    name: "t",
    commands: {
      "t.put": (context: WriteContext, { x }: { x: string }) => {
        context.sql("INSERT INTO t VALUES (?)").run(x);
        return x;
      },
      "t.function": () => () => 1,
    },
  };
};

function serve(path: string): MessagePort {
  const { port1, port2 } = new MessageChannel();
  serveWriter({
    modules: [echoModule],
    clock: new FakeClock(),
    random: createSeededRandom(1),
    port: port2,
    data: { path, synchronous: "NORMAL", checkFirst: false },
  });
  return port1;
}

async function next(port: MessagePort): Promise<WriterResponse> {
  const [response] = (await once(port, "message")) as [WriterResponse];
  return response;
}

const put = (x: string) => [{ name: "t.put", params: { x } }];

test("[DB5] everything that has arrived is applied in one commit and answered in order", async () => {
  using folder = createTempFolder();
  const port = serve(`${folder.path}/x.db`);
  expect(await next(port)).toEqual({ ready: true });
  port.postMessage({ units: [put("a"), put("b")] });
  port.postMessage({ units: [put("c")] });
  expect(await next(port)).toEqual({
    batch: { units: ["a", "b", "c"].map((x) => ({ ok: true, results: [x] })), notices: {} },
  });
  port.postMessage({ close: true });
  expect(await next(port)).toEqual({ closed: true });
});

test("[DB5] of many that wait, the first half is answered while the rest is applied", async () => {
  using folder = createTempFolder();
  const port = serve(`${folder.path}/x.db`);
  await next(port);
  const names = Array.from({ length: 40 }, (_, index) => `u${index}`);
  port.postMessage({ units: names.map(put) });
  const answers: string[][] = [];
  while (answers.flat().length < names.length) {
    const response = (await next(port)) as { batch: BatchOutcome };
    answers.push(response.batch.units.flatMap((unit) => (unit.ok ? (unit.results as string[]) : [])));
  }
  expect(answers.map(({ length }) => length)).toEqual([20, 10, 10]);
  expect(answers.flat()).toEqual(names);
  port.postMessage({ close: true });
  await next(port);
});

test("[DB10] a result that cannot cross back fails alone", async () => {
  using folder = createTempFolder();
  const port = serve(`${folder.path}/x.db`);
  await next(port);
  port.postMessage({ units: [put("a"), [{ name: "t.function", params: null }]] });
  expect(await next(port)).toMatchObject({
    batch: {
      units: [
        { ok: true, results: ["a"] },
        { ok: false, problem: { code: "LM_INTERNAL" } },
      ],
    },
  });
  port.postMessage({ close: true });
  await next(port);
});

test("[DB6] a database that cannot be opened is answered as a typed failure", async () => {
  const port = serve("/proc/nowhere/x.db");
  expect(await next(port)).toMatchObject({ failed: { code: "LM_DB_FAILED" } });
});
