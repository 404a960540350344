import { Client, StreamableHTTPClientTransport } from "@modelcontextprotocol/client";

export const ERAS = ["legacy", "modern"] as const;
export type Era = (typeof ERAS)[number];

/** The official client, connected to `/mcp` of a server. */
export async function connectMcp(
  url: string,
  { era = "modern", token = "mcp-token" }: { era?: Era; token?: string } = {},
): Promise<Client & AsyncDisposable> {
  const versionNegotiation = { mode: era === "legacy" ? "legacy" : { pin: "2026-07-28" } } as const;
  const client = new Client({ name: "test", version: "1.0.0" }, { versionNegotiation });
  await client.connect(
    new StreamableHTTPClientTransport(new URL(`${url}/mcp`), {
      requestInit: { headers: { authorization: `Bearer ${token}` } },
    }),
  );
  return Object.assign(client, { [Symbol.asyncDispose]: () => client.close() });
}
