export function NewWorkflow() {
  return null;
}
