export { WorkspaceFiles } from "./fileAccess.ts";
