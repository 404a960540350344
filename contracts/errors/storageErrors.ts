import { defineErrors } from "./defineErrors.ts";

export const STORAGE_ERRORS = defineErrors({
  LM_PLUGIN_STORE_FULL: {
    status: 507,
    title: "The plugin's store is full",
    retryable: false,
    help: "Delete keys that are no longer needed, or grant more `max_bytes` with the permission `store`.",
  },
  LM_BLOB_QUOTA: {
    status: 507,
    title: "The owner's space for blobs is used up",
    retryable: false,
    help: "Delete blobs that are no longer needed; the detail names the limit.",
  },
});
