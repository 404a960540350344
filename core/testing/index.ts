export { deliveringEventStore } from "./deliveringEventStore.ts";
export { FakeClock } from "./fakeClock.ts";
export { createSeededRandom } from "./seededRandom.ts";
export { silentLogger } from "./silentLogger.ts";
export { createTempFolder } from "./tempWorkspace.ts";
