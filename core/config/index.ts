export { loadConfig, type Config, type ConfigEnvironment } from "./loadConfig.ts";
