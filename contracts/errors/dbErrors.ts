import { defineErrors } from "./defineErrors.ts";

export const DB_ERRORS = defineErrors({
  LM_DB_FULL: {
    status: 507,
    title: "The disk is full",
    retryable: true,
    help: "Free space on the disk that holds the workspace. Nothing that was acknowledged is lost; work resumes by itself.",
  },
  LM_DB_LOCKED: {
    status: 503,
    title: "The database is locked by another program",
    retryable: true,
    help: "Close the program that holds .logomesh/logomesh.db open for writing.",
  },
  LM_DB_CORRUPT: {
    status: 500,
    title: "The database is damaged",
    retryable: false,
    help: "LogoMesh refuses to guess. Restore a backup, or run `sqlite3 .logomesh/logomesh.db .recover` on a copy.",
  },
  LM_DB_SCHEMA_NEWER: {
    status: 500,
    title: "The database was written by a newer LogoMesh",
    retryable: false,
    help: "Update LogoMesh; the database was not touched.",
  },
  LM_DB_OVERLOADED: {
    status: 503,
    title: "Too many writes wait for the disk",
    retryable: true,
    help: "Try again when the disk has caught up; send fewer requests at once.",
  },
  LM_DB_FAILED: {
    status: 500,
    title: "The database refused an operation",
    retryable: false,
    help: "The detail holds SQLite's own message.",
  },
});
