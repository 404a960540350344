import { expect, test } from "vitest";
import { isNeverDialled, reachOf, type Reach } from "./addressReach.ts";

const CASES: Record<Exclude<Reach, "unresolved">, string[]> = {
  public: ["8.8.8.8", "1.1.1.1", "172.32.0.1", "100.128.0.1", "2606:4700::1", "::ffff:8.8.8.8", "::ffff:808:808"],
  loopback: ["127.0.0.1", "127.255.255.254", "0.0.0.0", "::1", "::", "::ffff:127.0.0.1", "::ffff:7f00:1", "localhost"],
  "link-local": ["169.254.169.254", "fe80::1", "fe80::1%eth0", "fd00:ec2::254", "100.100.100.200", "::ffff:a9fe:a9fe"],
  private: [
    ...["10.0.0.1", "172.16.0.1", "172.31.255.255", "192.168.1.1", "100.64.0.1", "192.0.0.8", "198.18.0.1"],
    ...["192.0.2.1", "198.51.100.1", "203.0.113.1", "224.0.0.1", "255.255.255.255", "240.0.0.1", "192.88.99.1"],
    ...["fc00::1", "fd12::1", "fec0::1", "ff02::1", "2001:db8::1", "3fff::1", "100::1", "5f00::1", "4000::1"],
    // They hide 127.0.0.1: compatible, translated, local translation, 6to4, Teredo, SIIT.
    ...["::7f00:1", "64:ff9b::7f00:1", "64:ff9b:1::7f00:1", "2002:7f00:1::", "2001::7f00:1", "::ffff:0:127.0.0.1"],
  ],
};

test.each(Object.entries(CASES))("[NW4] %s addresses are known", (reach, addresses) => {
  expect(Object.fromEntries(addresses.map((address) => [address, reachOf(address)]))).toEqual(
    Object.fromEntries(addresses.map((address) => [address, reach])),
  );
});

test("[NW4] names are unresolved, unless they mean this machine", () => {
  expect(reachOf("example.org")).toBe("unresolved");
  expect(reachOf("localhost.example.org")).toBe("unresolved");
  expect(["LOCALHOST", "localhost.", "a.localhost"].map(reachOf)).toEqual(["loopback", "loopback", "loopback"]);
});

test("[NW5] link-local, unspecified, multicast and reserved addresses are never dialled", () => {
  const refused = ["169.254.169.254", "fe80::1%lo", "::ffff:169.254.1.1", "0.0.0.0", "0.1.2.3", "::", "224.0.0.251"];
  expect([...refused, "255.255.255.255", "ff02::1", "fd00:ec2::254"].filter((name) => !isNeverDialled(name))).toEqual(
    [],
  );
  expect(["127.0.0.1", "::1", "10.0.0.1", "8.8.8.8", "fd12::1"].filter(isNeverDialled)).toEqual([]);
});
