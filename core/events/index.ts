export { EventPublisher } from "./eventPublisher.ts";
export { MemoryEventBus } from "./memoryEventBus.ts";
