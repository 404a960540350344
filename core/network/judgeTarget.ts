import { lookup } from "node:dns/promises";
import { BlockList, isIP, type LookupFunction } from "node:net";
import { networkInterfaces } from "node:os";
import { messageOf } from "../base/index.ts";
import type { AuthorizeHop } from "../ports/index.ts";
import { isNeverDialled, reachOf } from "./addressReach.ts";
import { failure, refusal } from "./refusal.ts";
import type { Target } from "./requestRules.ts";

// Which addresses may be dialled for a target: the name is asked about, resolved once, and every address of it is asked about.

/** Addresses of one name that are judged; the rest is not dialled. */
const ADDRESSES_MAX = 16;

export interface ResolvedAddress {
  address: string;
  family: number;
}

export interface JudgeOptions {
  authorize: AuthorizeHop;
  resolve: (host: string) => Promise<readonly ResolvedAddress[]>;
  ownPorts: ReadonlySet<number>;
}

/**
 * The addresses that may be dialled: every one of them was authorized.
 * @throws LogoMeshError LM_NET_REFUSED, LM_NET_FAILED, and whatever `authorize` throws
 */
export async function judgeTarget(
  { target, method }: { target: Target; method: string },
  options: JudgeOptions,
): Promise<readonly ResolvedAddress[]> {
  const { scheme, host, port } = target;
  const about = { scheme, host, port, method };
  const literal = host.replace(/^\[|\]$/g, "");
  const family = isIP(literal);
  if (family === 0) options.authorize({ ...about, reach: reachOf(host) });
  const addresses = family === 0 ? await resolveOnce(target, options) : [{ address: literal, family }];
  for (const { address } of addresses) {
    assertDialable(address, { port, ownPorts: options.ownPorts });
    options.authorize({ ...about, reach: reachOf(address), address } satisfies Parameters<AuthorizeHop>[0]);
  }
  return addresses;
}

async function resolveOnce({ host }: Target, { resolve }: JudgeOptions): Promise<readonly ResolvedAddress[]> {
  let addresses: readonly ResolvedAddress[];
  try {
    addresses = await resolve(host);
  } catch (error) {
    throw failure(`The name ${host} could not be resolved: ${messageOf(error)}`, error);
  }
  if (addresses.length === 0) throw failure(`The name ${host} has no address.`);
  return addresses.slice(0, ADDRESSES_MAX);
}

/** @throws LogoMeshError LM_NET_REFUSED for an address that nobody may reach */
function assertDialable(address: string, { port, ownPorts }: { port: number; ownPorts: ReadonlySet<number> }): void {
  if (isIP(address) === 0) throw refusal(`${JSON.stringify(address)} is no address.`);
  if (isNeverDialled(address)) {
    throw refusal(`${address} is a link-local, metadata, multicast or reserved address; those are never asked.`);
  }
  if (ownPorts.has(port) && isThisMachine(address)) {
    throw refusal(`Port ${port} is this workbench's own; use its commands and tools instead of calling it.`);
  }
}

function isThisMachine(address: string): boolean {
  if (reachOf(address) === "loopback") return true;
  const own = new BlockList();
  for (const entry of Object.values(networkInterfaces()).flatMap((entries) => entries ?? [])) {
    own.addAddress(entry.address, entry.family === "IPv6" ? "ipv6" : "ipv4");
  }
  // Mapped IPv4 is compared as IPv4.
  return own.check(address, isIP(address) === 6 ? "ipv6" : "ipv4");
}

/** A resolver for sockets that knows only what was judged. */
export function lookupOf(addresses: readonly ResolvedAddress[]): LookupFunction {
  return (_host, { all }, callback) => {
    const [first] = addresses;
    if (all === true || first === undefined) callback(null, [...addresses]);
    else callback(null, first.address, first.family);
  };
}

/** Several failed addresses come as one error without a message. */
export function causeOf(error: unknown): string {
  if (error instanceof AggregateError) return error.errors.map(messageOf).join("; ");
  return messageOf(error) || "no reason was given";
}

export async function resolveBySystem(host: string): Promise<readonly ResolvedAddress[]> {
  return lookup(host, { all: true });
}
