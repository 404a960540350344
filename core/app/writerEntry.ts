import { createAuditWriterModule } from "../audit/index.ts";
import { systemClock, systemRandom } from "../base/index.ts";
import { runWriterThread } from "../db/index.ts";

runWriterThread({ clock: systemClock, random: systemRandom, modules: [createAuditWriterModule] });
