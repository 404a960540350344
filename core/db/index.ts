export { openReadingConnection, openWritingConnection, type Synchronous } from "./connection.ts";
export { openDatabase, type Database, type OpenDatabaseOptions } from "./database.ts";
export { createInlineReader } from "./inlineReader.ts";
export { createInlineWriter, type NoticingWriter } from "./inlineWriter.ts";
export { createMemoryDatabase, type MemoryDatabase } from "./memoryDatabase.ts";
export { serveJob } from "./jobProcess.ts";
export { loadMigrations, migrateDatabase, schemaText, type Migration } from "./migrate.ts";
export { quickCheck } from "./quickCheck.ts";
export { runReaderThread } from "./readerThread.ts";
export { mapSqliteError } from "./sqliteErrors.ts";
export { lockWorkspace } from "./workspaceLock.ts";
export type {
  CommandHandler,
  CommandTable,
  CreateWriterModule,
  TransactionParticipant,
  WriteContext,
  WriterModule,
} from "./writeContext.ts";
export { createWriterCore, type WriterCore } from "./writer.ts";
export { createThreadWriter, runWriterThread, type ThreadWriter } from "./writerThread.ts";
