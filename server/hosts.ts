import { LogoMeshError } from "@logomesh/contracts";
import type { ServerConfig } from "./options.ts";

const LOOPBACK = /^(localhost|127(\.\d{1,3}){3}|\[?::1\]?)$/;

export function isLoopback(host: string): boolean {
  return LOOPBACK.test(host.toLowerCase());
}

/**
 * Refuses to listen where other machines can ask, unless the settings say under which names.
 * @throws LogoMeshError LM_SETTINGS_INVALID
 */
export function assertMayListen({ host, allowedHosts }: ServerConfig): void {
  if (isLoopback(host) || allowedHosts.length > 0) return;
  throw new LogoMeshError(
    "LM_SETTINGS_INVALID",
    `LOGOMESH_HOST=${host} lets other machines ask. Name the hosts that browsers will use in \`allowedHosts\` of logomesh.yaml, or ` +
      "listen on 127.0.0.1.",
  );
}

/**
 * Who may stand in `Host`: a page of a foreign name that resolves to this machine (DNS rebinding) is not among them.
 * An entry with a port allows that port only.
 */
export function createHostCheck(allowedHosts: readonly string[]): (host: string | undefined) => boolean {
  const allowed = new Set(allowedHosts.map((host) => host.toLowerCase()));
  return (host) => {
    const lower = host?.toLowerCase() ?? "";
    const name = /^(\[[0-9a-f:.]+\]|[^:[\]]+)(:\d{1,5})?$/.exec(lower)?.[1];
    return name !== undefined && (isLoopback(name) || allowed.has(name) || allowed.has(lower));
  };
}

/** Whether an `Origin` is the host that was asked; a proxy may have ended TLS in between. */
export function isSameOrigin(origin: string, host: string | undefined): boolean {
  const url = URL.parse(origin);
  if (url === null || (url.protocol !== "http:" && url.protocol !== "https:")) return false;
  const asked = URL.parse(`${url.protocol}//${host ?? ""}`);
  return asked !== null && asked.host === url.host;
}

/** Every name of the settings under which this server may be asked; an address that means "all of them" is none. */
export function servedHosts({ host, allowedHosts }: ServerConfig): readonly string[] {
  return host === "0.0.0.0" || host === "::" ? allowedHosts : [...allowedHosts, urlHost(host)];
}

/** How a host is written in a URL. */
export function urlHost(host: string): string {
  return host.includes(":") && !host.startsWith("[") ? `[${host}]` : host;
}
