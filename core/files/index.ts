export { WorkspaceFiles, type OpenFilesOptions } from "./fileAccess.ts";
