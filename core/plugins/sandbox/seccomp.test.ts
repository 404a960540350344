import { describe, expect, test } from "vitest";
import { seccompProgram } from "./seccomp.ts";

const ALLOW = "allow";
const ARCH = { x86_64: 0xc000003e, i386: 0x40000003, aarch64: 0xc00000b7 };

interface Call {
  number: number;
  arch?: number;
  arguments?: bigint[];
}

/** Evaluates a classic BPF program as the kernel does for seccomp; refuses what it does not know. */
function evaluate(program: Buffer, call: Call): string {
  const data = Buffer.alloc(64);
  data.writeUInt32LE(call.number >>> 0, 0);
  data.writeUInt32LE(call.arch ?? ARCH.x86_64, 4);
  (call.arguments ?? []).forEach((value, index) => data.writeBigUInt64LE(value, 16 + 8 * index));
  let accumulator = 0;
  for (let at = 0; at < program.length / 8; at++) {
    const code = program.readUInt16LE(at * 8);
    const [jt, jf, k] = [
      program.readUInt8(at * 8 + 2),
      program.readUInt8(at * 8 + 3),
      program.readUInt32LE(at * 8 + 4),
    ];
    const jump = (holds: boolean) => (at += holds ? jt : jf);
    if (code === 0x20) accumulator = data.readUInt32LE(k);
    else if (code === 0x15) jump(accumulator === k);
    else if (code === 0x35) jump(accumulator >= k);
    else if (code === 0x45) jump((accumulator & k) !== 0);
    else if (code === 0x54) accumulator = (accumulator & k) >>> 0;
    else if (code === 0x06) return actionOf(k);
    else throw new Error(`instruction ${at} has the unknown code ${code}`);
  }
  throw new Error("the program ends without an answer");
}

function actionOf(k: number): string {
  if (k === 0x7fff0000) return ALLOW;
  if (k === 0x80000000) return "kill";
  if (k >>> 16 === 5) return { 1: "EPERM", 38: "ENOSYS", 97: "EAFNOSUPPORT" }[k & 0xffff] ?? `errno ${k & 0xffff}`;
  throw new Error(`unknown action ${k}`);
}

const program = seccompProgram("x64")!;
const ask = (number: number, ...args: bigint[]) => evaluate(program, { number, arguments: args });

test("[SB10] the program has a size that the kernel takes and every jump stays inside", () => {
  const count = program.length / 8;
  expect(count).toBeLessThanOrEqual(4096);
  for (let at = 0; at < count; at++) {
    if (program.readUInt16LE(at * 8) === 0x06) continue;
    expect(at + 1 + Math.max(program.readUInt8(at * 8 + 2), program.readUInt8(at * 8 + 3))).toBeLessThan(count);
  }
});

test("[SB10] every number has an answer; what plugins need is allowed", () => {
  const answers = Array.from({ length: 600 }, (_, number) => ask(number));
  expect(answers.filter((answer) => answer === ALLOW).length).toBeGreaterThan(350);
  // read, write, mmap, execve, futex, openat, epoll_wait, exit_group, prlimit64, getrandom, rseq, wait4, kill, pipe2, eventfd2
  const needed = [0, 1, 9, 59, 202, 257, 232, 231, 302, 318, 334, 61, 62, 293, 290];
  expect(needed.map((number) => ask(number))).toEqual(needed.map(() => ALLOW));
});

test.each([
  ["i386", { arch: ARCH.i386, number: 20 }, "kill"],
  ["aarch64", { arch: ARCH.aarch64, number: 0 }, "kill"],
  ["x32", { number: 0x40000000 }, "ENOSYS"],
  ["the highest number", { number: 0xffffffff }, "ENOSYS"],
  ["the first unknown number", { number: 457 }, "ENOSYS"],
  ["the last known number", { number: 456 }, ALLOW],
])("[SB10] %s is answered with %o", (_, call, answer) => {
  expect(evaluate(program, call)).toBe(answer);
});

describe("[SB8] refused", () => {
  const eperm = {
    ptrace: 101,
    mount: 165,
    unshare: 272,
    setns: 308,
    bpf: 321,
    keyctl: 250,
    personality: 135,
    reboot: 169,
  };
  const enosys = { clone3: 435, io_uring_setup: 425, memfd_create: 319, shmget: 29, semget: 64, fsopen: 430 };
  test.each(Object.entries(eperm))("%s (%i) with EPERM", (_, number) => expect(ask(number)).toBe("EPERM"));
  test.each(Object.entries(enosys))("%s (%i) with ENOSYS", (_, number) => expect(ask(number)).toBe("ENOSYS"));
});

// By number, so that a name with the wrong one, or one that is lost, is noticed: asm/unistd_64.h.
// prettier-ignore
const EPERM_NUMBERS = [
  101, 103, 134, 135, 136, 139, 153, 154, 155, 156, 159, 161, 163, 164, 165, 166, 167, 168, 169, 170, 171, 172, 173, 174, 175, 176, 177, 178,
  179, 180, 212, 227, 237, 238, 239, 246, 248, 249, 250, 256, 272, 279, 298, 300, 303, 304, 305, 308, 310, 311, 312, 313, 320, 321, 323, 438,
  440, 443, 450,
];
const ENOSYS_NUMBERS = [64, 68, 240, 425, 426, 427, 428, 429, 430, 431, 432, 433, 435, 442, 447];

test("[SB8, SB35] exactly these calls are refused, and without a group those that make memory files too", () => {
  const refusedBy = (filter: Buffer, answer: string) =>
    Array.from({ length: 457 }, (_, number) => number).filter((number) => evaluate(filter, { number }) === answer);
  const counted = seccompProgram("x64", { countsSharedMemory: true })!;
  expect([refusedBy(program, "EPERM"), refusedBy(counted, "EPERM")]).toEqual([EPERM_NUMBERS, EPERM_NUMBERS]);
  expect(refusedBy(counted, "ENOSYS")).toEqual(ENOSYS_NUMBERS);
  expect(refusedBy(program, "ENOSYS")).toEqual([29, ...ENOSYS_NUMBERS, 319].toSorted((a, b) => a - b));
});

test("[SB7] sockets of every family are refused, pairs but those of Unix too", () => {
  expect([0n, 1n, 2n, 10n, 16n, 17n, 38n, 40n].map((family) => ask(41, family))).toEqual(Array(8).fill("EAFNOSUPPORT"));
  expect(ask(53, 1n)).toBe(ALLOW);
  expect([0n, 2n, 10n, 30n].map((family) => ask(53, family))).toEqual(Array(4).fill("EAFNOSUPPORT"));
});

test("[SB71] pairs are of streams or of packets in order, and no datagrams", () => {
  const [NONBLOCK, CLOEXEC] = [0x800n, 0x8_0000n];
  expect([1n, 5n, 1n | NONBLOCK | CLOEXEC].map((type) => ask(53, 1n, type))).toEqual(Array(3).fill(ALLOW));
  const datagrams = [2n, 3n, 10n, 2n | NONBLOCK | CLOEXEC];
  expect(datagrams.map((type) => ask(53, 1n, type))).toEqual(Array(4).fill("EAFNOSUPPORT"));
});

test("[SB50] a proxied sandbox opens TCP and nothing else", () => {
  const proxied = seccompProgram("x64", { sockets: "proxied" })!;
  const socket = (family: bigint, type: bigint, protocol = 0n) =>
    evaluate(proxied, { number: 41, arguments: [family, type, protocol] });
  const [INET, INET6, STREAM, TCP] = [2n, 10n, 1n, 6n];
  const flags = [0n, 0x800n, 0x80000n, 0x80800n];
  for (const family of [INET, INET6])
    expect(flags.flatMap((flag) => [0n, TCP].map((protocol) => socket(family, STREAM | flag, protocol)))).toEqual(
      Array(8).fill(ALLOW),
    );
  const families = [0n, 1n, 16n, 17n, 38n, 40n, 0x1_0000_0001n].map((family) => socket(family, STREAM));
  const types = [2n, 3n, 4n, 5n, 6n, 10n, 0n].map((type) => socket(INET, type));
  const protocols = [1n, 17n, 132n, 255n, 262n].map((protocol) => socket(INET, STREAM, protocol));
  expect([...families, ...types, ...protocols]).toEqual(Array(19).fill("EAFNOSUPPORT"));
  expect(evaluate(proxied, { number: 53, arguments: [2n] })).toBe("EAFNOSUPPORT");
  // Everything but sockets is answered as without a proxy.
  const others = Array.from({ length: 600 }, (_, number) => number).filter((number) => number !== 41);
  expect(others.map((number) => evaluate(proxied, { number }))).toEqual(others.map((number) => ask(number)));
});

test("[SB8] clone makes processes and threads, no namespaces", () => {
  const SIGCHLD = 17n;
  const THREAD = 0x3d0f00n;
  expect([ask(56, SIGCHLD), ask(56, THREAD)]).toEqual([ALLOW, ALLOW]);
  const flags = [0x20000n, 0x2000000n, 0x4000000n, 0x8000000n, 0x10000000n, 0x20000000n, 0x40000000n];
  expect(flags.map((flag) => ask(56, SIGCHLD | flag))).toEqual(flags.map(() => "EPERM"));
});

test("[SB8] ioctl types into no terminal, whatever stands in the upper half of the argument", () => {
  const commands = [0x5412n, 0x541cn, 0x1_0000_5412n, 0xffff_ffff_0000_541cn];
  expect(commands.map((command) => ask(16, 0n, command))).toEqual(commands.map(() => "EPERM"));
  expect(ask(16, 0n, 0x5401n)).toBe(ALLOW);
});

test("[SB22] other processors have no program", () => {
  expect((["arm64", "ia32", "riscv64"] as const).map((arch) => seccompProgram(arch))).toEqual([
    undefined,
    undefined,
    undefined,
  ]);
});
