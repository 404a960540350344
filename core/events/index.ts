export { EventPublisher } from "./eventPublisher.ts";
export { MemoryEventBus } from "./memoryEventBus.ts";
export { createEventWriterModule } from "./eventWriterModule.ts";
export { SqliteEventStore } from "./sqliteEventStore.ts";
