export function PluginDetail() {
  return null;
}
