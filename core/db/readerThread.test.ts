import { once } from "node:events";
import { MessageChannel, type MessagePort } from "node:worker_threads";
import { expect, test } from "vitest";
import { createTempFolder } from "../testing/index.ts";
import { openWritingConnection } from "./connection.ts";
import { serveReader } from "./readerThread.ts";

async function ask(port: MessagePort, request: unknown): Promise<unknown> {
  port.postMessage(request);
  const [response] = (await once(port, "message")) as [unknown];
  return response;
}

test("[DB16] [DB17] scans answer plain rows, cannot write, and one that fails does not stop the next", async () => {
  using folder = createTempFolder();
  const path = `${folder.path}/x.db`;
  using db = openWritingConnection({ path, synchronous: "NORMAL" });
  db.exec("CREATE TABLE t (x INTEGER) STRICT; INSERT INTO t VALUES (1), (2)");
  const { port1, port2 } = new MessageChannel();
  using _service = serveReader({ path, port: port2 });
  const sql = "SELECT x FROM t WHERE x > ?";
  expect(await ask(port1, { id: 0, sql, params: [1] })).toEqual({ id: 0, ok: true, value: [{ x: 2 }] });
  expect(await ask(port1, { id: 1, sql: "DELETE FROM t", params: [] })).toMatchObject({
    ok: false,
    problem: { code: "LM_DB_FAILED" },
  });
  db.exec("INSERT INTO t VALUES (3)");
  expect(await ask(port1, { id: 2, sql, params: [2] })).toEqual({ id: 2, ok: true, value: [{ x: 3 }] });
  const endless = "WITH RECURSIVE n(x) AS (VALUES (1) UNION ALL SELECT x + 1 FROM n) SELECT x FROM n";
  expect(await ask(port1, { id: 3, sql: endless, params: [] })).toMatchObject({ problem: { code: "LM_TOO_LARGE" } });
  port1.close();
});
