import { BlockList, isIP } from "node:net";

export type Reach = "public" | "private" | "loopback" | "link-local" | "unresolved";

type Subnet = readonly [network: string, prefix: number];

const LOOPBACK: readonly Subnet[] = [
  ["127.0.0.0", 8],
  ["0.0.0.0", 8],
  ["::1", 128],
  ["::", 128],
];
/** fd00:ec2::254 and 100.100.100.200 answer metadata as 169.254.169.254 does. */
const LINK_LOCAL: readonly Subnet[] = [
  ["169.254.0.0", 16],
  ["fe80::", 10],
  ["fd00:ec2::", 32],
  ["100.100.100.200", 32],
];
/** Not globally reachable, or a prefix that hides an IPv4 address (translated, 6to4, Teredo). */
const PRIVATE: readonly Subnet[] = [
  ["10.0.0.0", 8],
  ["172.16.0.0", 12],
  ["192.168.0.0", 16],
  ["100.64.0.0", 10],
  ["192.0.0.0", 24],
  ["192.0.2.0", 24],
  ["192.88.99.0", 24],
  ["198.18.0.0", 15],
  ["198.51.100.0", 24],
  ["203.0.113.0", 24],
  ["224.0.0.0", 3],
  ["2001::", 23],
  ["2001:db8::", 32],
  ["2002::", 16],
  ["3fff::", 20],
];
/** Where global IPv6 addresses are; everything outside is for something else. */
const GLOBAL_IPV6: readonly Subnet[] = [["2000::", 3]];
/** No request has a business there: "unspecified" means this machine to some systems, the others mean many machines or none. */
const NEVER: readonly Subnet[] = [["0.0.0.0", 8], ["::", 128], ["224.0.0.0", 3], ["ff00::", 8], ...LINK_LOCAL];

const LISTS = [
  { reach: "loopback", list: listOf(LOOPBACK) },
  { reach: "link-local", list: listOf(LINK_LOCAL) },
  { reach: "private", list: listOf(PRIVATE) },
] as const;
const globalIpv6 = listOf(GLOBAL_IPV6);
const mappedIpv4 = listOf([["::ffff:0:0", 96]]);
const never = listOf(NEVER);

function listOf(subnets: readonly Subnet[]): BlockList {
  const list = new BlockList();
  for (const [network, prefix] of subnets) list.addSubnet(network, prefix, network.includes(":") ? "ipv6" : "ipv4");
  return list;
}

/**
 * How far an address is away (IANA special-purpose registries). Mapped IPv4 counts as IPv4; translated and tunnelled prefixes, which
 * hide an IPv4 address, count as private. A name is unresolved, unless it means this machine.
 */
export function reachOf(host: string): Reach {
  const address = withoutZone(host);
  const version = isIP(address);
  if (version === 0) return /(^|\.)localhost\.?$/i.test(host) ? "loopback" : "unresolved";
  const family = version === 4 ? "ipv4" : "ipv6";
  const special = LISTS.find(({ list }) => list.check(address, family))?.reach;
  if (special !== undefined) return special;
  const isGlobal = version === 4 || globalIpv6.check(address, family) || mappedIpv4.check(address, family);
  return isGlobal ? "public" : "private";
}

/** Link-local, unspecified, multicast and reserved addresses, whatever was granted. */
export function isNeverDialled(address: string): boolean {
  const plain = withoutZone(address);
  return never.check(plain, isIP(plain) === 6 ? "ipv6" : "ipv4");
}

/** `fe80::1%eth0` is judged like `fe80::1`. */
function withoutZone(address: string): string {
  return address.replace(/%.*$/, "");
}
