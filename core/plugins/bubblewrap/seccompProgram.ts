import { LogoMeshError } from "@logomesh/contracts";

// A classic BPF program for seccomp (Documentation/userspace-api/seccomp_filter.rst of Linux): what sandboxed plugins may not ask of the
// kernel. Everything else is allowed; namespaces, capabilities and read-only mounts are the walls, this keeps the kernel's rarely used
// doors shut. Numbers are those of x86-64 (arch/x86/entry/syscalls/syscall_64.tbl); another architecture needs its own table.

const AUDIT_ARCH_X86_64 = 0xc000003e;
const X32_SYSCALL_BIT = 0x40000000;

const EPERM = 1;
const ENOSYS = 38;
const EAFNOSUPPORT = 97;

/** Refused with EPERM: debugging others, mounting, namespaces, modules, keys, clocks, memory of other processes. */
const REFUSED: Readonly<Record<string, number>> = {
  ...{ ptrace: 101, process_vm_readv: 310, process_vm_writev: 311, process_madvise: 440, kcmp: 312, pidfd_getfd: 438 },
  ...{ perf_event_open: 298, bpf: 321, userfaultfd: 323, syslog: 103, add_key: 248, request_key: 249, keyctl: 250 },
  ...{ mount: 165, umount2: 166, pivot_root: 155, chroot: 161, setns: 308, unshare: 272, swapon: 167, swapoff: 168 },
  ...{ reboot: 169, sethostname: 170, setdomainname: 171, iopl: 172, ioperm: 173, modify_ldt: 154, vhangup: 153 },
  ...{ personality: 135, create_module: 174, init_module: 175, delete_module: 176, get_kernel_syms: 177 },
  ...{ query_module: 178, finit_module: 313, kexec_load: 246, kexec_file_load: 320, quotactl: 179, quotactl_fd: 443 },
  ...{ acct: 163, uselib: 134, ustat: 136, sysfs: 139, _sysctl: 156, nfsservctl: 180, lookup_dcookie: 212 },
  ...{ name_to_handle_at: 303, open_by_handle_at: 304, fanotify_init: 300, fanotify_mark: 301 },
  ...{ clock_settime: 227, settimeofday: 164, adjtimex: 159, clock_adjtime: 305 },
  ...{ mbind: 237, set_mempolicy: 238, set_mempolicy_home_node: 450, migrate_pages: 256, move_pages: 279 },
};

/** Answered as if the kernel did not have them, so that libraries fall back: doors around the rules, memory that no limit sees. */
const MISSING: Readonly<Record<string, number>> = {
  ...{ clone3: 435, io_uring_setup: 425, io_uring_enter: 426, io_uring_register: 427 },
  ...{ open_tree: 428, move_mount: 429, fsopen: 430, fsconfig: 431, fsmount: 432, fspick: 433, mount_setattr: 442 },
  ...{ memfd_create: 319, memfd_secret: 447, shmget: 29, shmat: 30, msgget: 68, semget: 64, mq_open: 240 },
};

const SYS_IOCTL = 16;
const SYS_SOCKET = 41;
const SYS_SOCKETPAIR = 53;
const SYS_CLONE = 56;

/** Terminal ioctls that write into the input of another program. */
const TIOCSTI = 0x5412;
const TIOCLINUX = 0x541c;
/** NEWNS, NEWCGROUP, NEWUTS, NEWIPC, NEWUSER, NEWPID, NEWNET. */
const CLONE_NEW_FLAGS = 0x7e020000;
const AF_UNIX = 1;

// struct seccomp_data
const OFFSET_NR = 0;
const OFFSET_ARCH = 4;
const OFFSET_ARG0 = 16;
const OFFSET_ARG1 = 24;

const LOAD = 0x20;
const JUMP_EQUAL = 0x15;
const JUMP_AT_LEAST = 0x35;
const JUMP_ANY_BIT = 0x45;
const RETURN = 0x06;

const ALLOW = 0x7fff0000;
const KILL_PROCESS = 0x80000000;
const refuse = (errno: number): number => 0x00050000 | errno;

/** One instruction: code, jump if true, jump if false (both relative), constant. */
type Instruction = readonly [code: number, ifTrue: number, ifFalse: number, constant: number];

const load = (offset: number): Instruction => [LOAD, 0, 0, offset];
const answer = (value: number): Instruction => [RETURN, 0, 0, value];

/** For one syscall: the rules see the arguments; the number is not needed after them. */
function whenSyscall(number: number, rules: readonly Instruction[]): Instruction[] {
  return [[JUMP_EQUAL, 0, rules.length, number], ...rules];
}

/** The filter of a plugin without network, as the bytes that the kernel loads (struct sock_filter, little endian). */
export function createSeccompProgram(architecture: string): Buffer {
  if (architecture !== "x64") {
    throw new LogoMeshError(
      "LM_PLUGIN_SANDBOX_UNAVAILABLE",
      `Sandboxed plugins run on x86-64 only for now; this machine is ${architecture}. Nothing runs unsandboxed instead.`,
    );
  }
  const instructions: Instruction[] = [
    load(OFFSET_ARCH),
    [JUMP_EQUAL, 1, 0, AUDIT_ARCH_X86_64],
    answer(KILL_PROCESS),
    load(OFFSET_NR),
    [JUMP_AT_LEAST, 0, 1, X32_SYSCALL_BIT],
    answer(refuse(ENOSYS)),
    ...Object.values(REFUSED).flatMap((number) => whenSyscall(number, [answer(refuse(EPERM))])),
    ...Object.values(MISSING).flatMap((number) => whenSyscall(number, [answer(refuse(ENOSYS))])),
    ...whenSyscall(SYS_SOCKET, [answer(refuse(EAFNOSUPPORT))]),
    ...whenSyscall(SYS_SOCKETPAIR, [
      load(OFFSET_ARG0),
      [JUMP_EQUAL, 0, 1, AF_UNIX],
      answer(ALLOW),
      answer(refuse(EAFNOSUPPORT)),
    ]),
    ...whenSyscall(SYS_CLONE, [
      load(OFFSET_ARG0),
      [JUMP_ANY_BIT, 0, 1, CLONE_NEW_FLAGS],
      answer(refuse(EPERM)),
      answer(ALLOW),
    ]),
    ...whenSyscall(SYS_IOCTL, [
      load(OFFSET_ARG1),
      [JUMP_EQUAL, 1, 0, TIOCSTI],
      [JUMP_EQUAL, 0, 1, TIOCLINUX],
      answer(refuse(EPERM)),
      answer(ALLOW),
    ]),
    answer(ALLOW),
  ];
  return assemble(instructions);
}

function assemble(instructions: readonly Instruction[]): Buffer {
  const bytes = Buffer.alloc(instructions.length * 8);
  instructions.forEach(([code, ifTrue, ifFalse, constant], index) => {
    const at = index * 8;
    bytes.writeUInt16LE(code, at);
    bytes.writeUInt8(ifTrue, at + 2);
    bytes.writeUInt8(ifFalse, at + 3);
    bytes.writeUInt32LE(constant >>> 0, at + 4);
  });
  return bytes;
}
