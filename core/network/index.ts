export { reachOf } from "./addressReach.ts";
export { createWebFetch } from "./webFetch.ts";
export { createWebTunnels } from "./webTunnels.ts";
