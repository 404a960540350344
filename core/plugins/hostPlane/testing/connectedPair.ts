import { once } from "node:events";
import { connect, createServer, type AddressInfo, type Socket } from "node:net";

/** Two ends of one connection, each open until its own end, as they are between processes: what breaks off here is broken off there. */
export async function connectedPair(): Promise<[Socket, Socket]> {
  const server = createServer({ allowHalfOpen: true });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const near = connect({ port: (server.address() as AddressInfo).port, host: "127.0.0.1", allowHalfOpen: true });
  const [[far]] = (await Promise.all([once(server, "connection"), once(near, "connect")])) as [[Socket], unknown];
  server.close();
  for (const end of [near, far]) end.on("error", () => undefined);
  return [near, far];
}
