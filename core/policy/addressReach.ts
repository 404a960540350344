import { BlockList, isIP } from "node:net";

export type Reach = "public" | "private" | "loopback" | "link-local" | "unresolved";

const RANGES: [Exclude<Reach, "public" | "unresolved">, [string, number][]][] = [
  [
    "loopback",
    [
      ["127.0.0.0", 8],
      ["0.0.0.0", 8],
      ["::1", 128],
      ["::", 128],
    ],
  ],
  // fd00:ec2::254 and 100.100.100.200 answer metadata as 169.254.169.254 does.
  [
    "link-local",
    [
      ["169.254.0.0", 16],
      ["fe80::", 10],
      ["fd00:ec2::", 32],
      ["100.100.100.200", 32],
    ],
  ],
  [
    "private",
    [
      ["10.0.0.0", 8],
      ["172.16.0.0", 12],
      ["192.168.0.0", 16],
      ["100.64.0.0", 10],
      ["192.0.0.0", 24],
      ["198.18.0.0", 15],
      ["224.0.0.0", 3],
      ["fc00::", 7],
      ["fec0::", 10],
      ["ff00::", 8],
      ["64:ff9b::", 96],
      ["64:ff9b:1::", 48],
      ["2002::", 16],
      ["2001::", 32],
    ],
  ],
];

const LISTS = RANGES.map(([reach, subnets]) => {
  const list = new BlockList();
  for (const [network, prefix] of subnets) list.addSubnet(network, prefix, network.includes(":") ? "ipv6" : "ipv4");
  return { reach, list };
});

/**
 * How far an address is away (IANA special-purpose registries). Mapped IPv4 counts as IPv4; translated and tunnelled prefixes, which
 * hide an IPv4 address, count as private. A name is unresolved, unless it means this machine.
 */
export function reachOf(host: string): Reach {
  const version = isIP(host);
  if (version === 0) return /(^|\.)localhost\.?$/i.test(host) ? "loopback" : "unresolved";
  const family = version === 4 ? "ipv4" : "ipv6";
  return LISTS.find(({ list }) => list.check(host, family))?.reach ?? "public";
}
