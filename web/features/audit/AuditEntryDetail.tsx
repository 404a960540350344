export function AuditEntryDetail() {
  return null;
}
