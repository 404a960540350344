import { systemClock, systemRandom } from "../base/index.ts";
import { runWriterThread } from "../db/index.ts";

runWriterThread({ clock: systemClock, random: systemRandom, modules: [] });
