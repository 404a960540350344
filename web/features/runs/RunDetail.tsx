export function RunDetail() {
  return null;
}
