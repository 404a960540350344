export function WorkflowDetailPage() {
  return null;
}
