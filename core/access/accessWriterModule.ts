import type { CreateWriterModule, WriteContext } from "../db/index.ts";

export interface InsertTokenParams {
  id: string;
  name: string;
  secretSha256: Uint8Array;
  scopes: string;
  tools: string;
  createdAt: number;
  expiresAt: number | null;
}

/** Commands `access.insert`, `access.revoke`, `access.touch`. */
export const createAccessWriterModule: CreateWriterModule = () => ({
  name: "access",
  commands: {
    "access.insert": (context: WriteContext, params: InsertTokenParams): void => {
      context
        .sql(
          "INSERT INTO access_token (id, name, secret_sha256, scopes, tools, created_at, expires_at) VALUES (?, ?, ?, ?, ?, ?, ?)",
        )
        .run(
          ...[params.id, params.name, params.secretSha256, params.scopes, params.tools],
          ...[params.createdAt, params.expiresAt],
        );
    },
    "access.revoke": (context: WriteContext, { id }: { id: string }): void => {
      context.sql("DELETE FROM access_token WHERE id = ?").run(id);
    },
    "access.touch": (context: WriteContext, { id, atMs }: { id: string; atMs: number }): void => {
      context.sql("UPDATE access_token SET last_used_at = ? WHERE id = ?").run(atMs, id);
    },
  },
});
