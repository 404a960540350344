import { connect, type Socket } from "node:net";
import { LogoMeshError } from "@logomesh/contracts";
import type { WebTunnel, WebTunnelOptions, WebTunnels } from "../ports/index.ts";
import { causeOf, judgeTarget, lookupOf, resolveBySystem, type ResolvedAddress } from "./judgeTarget.ts";
import { failure, refusal } from "./refusal.ts";
import { parseTarget, type Target } from "./requestRules.ts";
import type { WebFetchServiceOptions } from "./webFetch.ts";

// Tunnels (CONNECT, RFC 9110 9.3.6): the way is judged like that of a request, then bytes pass that nobody looks at.

/** Each holds a descriptor of the workbench. */
const OPEN_MAX = 256;
const CONNECT_TIMEOUT_MS = 10_000;
const SHOWN_CHARS_MAX = 200;

export function createWebTunnels(options: WebFetchServiceOptions): WebTunnels {
  const { clock, ownPorts, resolve = resolveBySystem } = options;
  let open = 0;
  return {
    parse(authority) {
      const { host, port } = parseAuthority(authority);
      return { scheme: "https", host, port };
    },
    async open(authority, { signal, authorize }) {
      const target = parseAuthority(authority);
      if (open >= OPEN_MAX)
        throw new LogoMeshError("LM_NET_BUSY", `${OPEN_MAX} tunnels are open, the most allowed. Close some of them.`);
      open += 1;
      const late = new AbortController();
      using _timer = clock.setTimer(CONNECT_TIMEOUT_MS, () => late.abort(tookTooLong(target)));
      const dialled = dial(target, {
        ...{ authorize, resolve, ownPorts: ownPorts() },
        signal: AbortSignal.any([signal, late.signal]),
      });
      dialled.then(
        ({ stream }) => stream.once("close", () => (open -= 1)),
        () => (open -= 1),
      );
      return await dialled;
    },
  };
}

/** `host:port`; what it would mean without a port depends on who reads it. */
function parseAuthority(authority: string): Target {
  if (!/^[^/?#@\\\s]+:\d{1,5}$/.test(authority))
    throw refusal(`${JSON.stringify(authority.slice(0, SHOWN_CHARS_MAX))} is not host:port, which a tunnel needs.`);
  return parseTarget(`https://${authority}/`);
}

interface DialOptions extends Pick<WebTunnelOptions, "authorize" | "signal"> {
  resolve: (host: string) => Promise<readonly ResolvedAddress[]>;
  ownPorts: ReadonlySet<number>;
}

async function dial(target: Target, { signal, ...options }: DialOptions): Promise<WebTunnel> {
  signal.throwIfAborted();
  const aborted = Promise.withResolvers<never>();
  let socket: Socket | undefined;
  const stop = (): void => {
    socket?.destroy();
    aborted.reject(signal.reason as Error);
  };
  signal.addEventListener("abort", stop, { once: true });
  try {
    // The look-up of a name cannot be stopped; nobody waits for it any longer.
    const judged = judgeTarget({ target, method: "CONNECT" }, options);
    const addresses = await Promise.race([judged, aborted.promise]);
    socket = connect({
      ...{ host: target.host.replace(/^\[|\]$/g, ""), port: target.port, lookup: lookupOf(addresses) },
      ...{ autoSelectFamily: true, allowHalfOpen: true, noDelay: true },
    });
    await Promise.race([untilConnected(socket, target), aborted.promise]);
    return { stream: socket, address: socket.remoteAddress ?? "" };
  } finally {
    signal.removeEventListener("abort", stop);
    aborted.promise.catch(() => undefined);
  }
}

function untilConnected(socket: Socket, { host, port }: Target): Promise<void> {
  return new Promise((resolve, reject) => {
    socket.once("connect", resolve);
    // Stays: an error without a listener would end the workbench.
    socket.on("error", (error) => reject(failure(`${host}:${port} could not be reached: ${causeOf(error)}`, error)));
  });
}

function tookTooLong({ host, port }: Target): LogoMeshError {
  return new LogoMeshError("LM_TIMEOUT", `${host}:${port} could not be reached within ${CONNECT_TIMEOUT_MS} ms.`);
}
