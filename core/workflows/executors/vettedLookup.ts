import { lookup as lookupAddress, type LookupAddress, type LookupOptions } from "node:dns";
import { BlockList, isIP } from "node:net";
import { LogoMeshError } from "@logomesh/contracts";

/** Never a target of a workflow: cloud metadata lives on link-local addresses, and nothing is "unspecified" by intent. */
const refused = new BlockList();
refused.addSubnet("169.254.0.0", 16, "ipv4");
refused.addSubnet("0.0.0.0", 8, "ipv4");
refused.addSubnet("224.0.0.0", 4, "ipv4");
refused.addAddress("::", "ipv6");
refused.addSubnet("fe80::", 10, "ipv6");
refused.addSubnet("ff00::", 8, "ipv6");

const loopback = new BlockList();
loopback.addSubnet("127.0.0.0", 8, "ipv4");
loopback.addAddress("::1", "ipv6");

export interface AddressRule {
  port: number;
  /** Ports of this workbench: a workflow that could call them would act with more than it was granted. */
  ownPorts: ReadonlySet<number>;
}

/** @throws LogoMeshError LM_POLICY_DENIED for an address that no workflow may reach */
export function assertAddressAllowed(address: string, { port, ownPorts }: AddressRule): void {
  const plain = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(address)?.[1] ?? address;
  const family = isIP(plain) === 6 ? "ipv6" : "ipv4";
  if (refused.check(plain, family)) {
    throw new LogoMeshError(
      "LM_POLICY_DENIED",
      `${address} is a link-local or reserved address; workflows never reach those.`,
    );
  }
  if (loopback.check(plain, family) && ownPorts.has(port)) {
    throw new LogoMeshError("LM_POLICY_DENIED", `Port ${port} is this workbench's own; a workflow may not call it.`);
  }
}

type LookupCallback = (error: Error | null, address: string | LookupAddress[], family?: number) => void;

/** A resolver for sockets: the name is resolved once, and the very addresses that were judged are dialled. */
export function createVettedLookup(
  rule: AddressRule,
): (hostname: string, options: LookupOptions, callback: LookupCallback) => void {
  return (hostname, options, callback) => {
    lookupAddress(hostname, { ...options, all: true }, (error, addresses) => {
      if (error !== null) {
        callback(error, []);
        return;
      }
      try {
        for (const { address } of addresses) assertAddressAllowed(address, rule);
      } catch (refusal) {
        callback(refusal as Error, []);
        return;
      }
      const [first] = addresses;
      if (options.all === true || first === undefined) callback(null, addresses);
      else callback(null, first.address, first.family);
    });
  };
}
