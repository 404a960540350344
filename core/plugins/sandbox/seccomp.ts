// The system-call filter of sandboxed plugins: a classic BPF program as seccomp(2) takes it (struct sock_filter, struct seccomp_data,
// SECCOMP_RET_*), for x86-64. Everything that plugins need is allowed; refused is what reaches the kernel's rarely used parts, other
// processes, sockets, and memory that no resource limit counts. Namespaces are the wall, this is the second one.

interface Instruction {
  code: number;
  /** Instructions to skip when the comparison holds, and when it does not. */
  jt: number;
  jf: number;
  k: number;
}

const LOAD_WORD = 0x20;
const JUMP_EQUAL = 0x15;
const JUMP_GREATER_OR_EQUAL = 0x35;
const JUMP_ANY_BIT = 0x45;
const AND = 0x54;
const RETURN = 0x06;

const ALLOW = 0x7fff_0000;
const KILL_PROCESS = 0x8000_0000;
const ERRNO = 0x0005_0000;

const EPERM = 1;
const ENOSYS = 38;
const EAFNOSUPPORT = 97;

/** Offsets in struct seccomp_data; arguments are 64-bit, little-endian. */
const NUMBER = 0;
const ARCH = 4;
const argument = (index: number) => 16 + 8 * index;

const AUDIT_ARCH_X86_64 = 0xc000_003e;
const AF_UNIX = 1;
/** Of the types of sockets, those of SOCK_DGRAM and SOCK_RAW have it: one of a pair of them sends to any other socket that has a path. */
const DATAGRAMS = 2;
const AF_INET = 2;
const AF_INET6 = 10;
const SOCK_STREAM = 1;
/** Of a type; the rest are flags. */
const SOCK_TYPE_MASK = 0xf;
const IPPROTO_TCP = 6;
const TIOCSTI = 0x5412;
const TIOCLINUX = 0x541c;
/** CLONE_NEWNS, NEWCGROUP, NEWUTS, NEWIPC, NEWUSER, NEWPID, NEWNET. */
const CLONE_NEW_NAMESPACES = 0x7e02_0000;
/** Calls from statmount(2) on are younger than this table: unknown, so refused. */
const FIRST_UNKNOWN = 457;

const CLONE = 56;
const IOCTL = 16;
const SOCKET = 41;
const SOCKETPAIR = 53;

/** Refused with EPERM. */
// prettier-ignore
const FORBIDDEN = {
  ptrace: 101, process_vm_readv: 310, process_vm_writev: 311, process_madvise: 440, kcmp: 312, pidfd_getfd: 438,
  perf_event_open: 298, bpf: 321, userfaultfd: 323, syslog: 103, add_key: 248, keyctl: 250, request_key: 249,
  mount: 165, umount2: 166, pivot_root: 155, chroot: 161, setns: 308, unshare: 272, swapon: 167, swapoff: 168, reboot: 169,
  sethostname: 170, setdomainname: 171, iopl: 172, ioperm: 173, modify_ldt: 154, vhangup: 153, personality: 135,
  init_module: 175, finit_module: 313, delete_module: 176, create_module: 174, query_module: 178, get_kernel_syms: 177,
  kexec_load: 246, kexec_file_load: 320, quotactl: 179, quotactl_fd: 443, acct: 163, uselib: 134, ustat: 136, sysfs: 139,
  _sysctl: 156, nfsservctl: 180, lookup_dcookie: 212, name_to_handle_at: 303, open_by_handle_at: 304, fanotify_init: 300,
  clock_settime: 227, settimeofday: 164, adjtimex: 159, clock_adjtime: 305, mbind: 237, set_mempolicy: 238,
  get_mempolicy: 239, set_mempolicy_home_node: 450, migrate_pages: 256, move_pages: 279,
};

/** Refused with ENOSYS, so that libraries fall back to the older call, or report that there is none. */
// prettier-ignore
const UNSUPPORTED = {
  // Flags behind a pointer cannot be filtered; io_uring opens sockets around this filter.
  clone3: 435, io_uring_setup: 425, io_uring_enter: 426, io_uring_register: 427,
  open_tree: 428, move_mount: 429, fsopen: 430, fsconfig: 431, fsmount: 432, fspick: 433, mount_setattr: 442,
  // Memory that nothing counts.
  memfd_secret: 447, msgget: 68, semget: 64, mq_open: 240,
};

/** Memory that only a control group counts: without one there are no such calls. */
const SHARED_MEMORY = { memfd_create: 319, shmget: 29 };

export interface FilterOptions {
  /** The sandbox is in a control group that counts memory. */
  countsSharedMemory?: boolean;
  /** Default: none. `proxied`: TCP, inside of a network namespace in which the way out is the bridge. */
  sockets?: "proxied" | undefined;
}

const load = (offset: number): Instruction => ({ code: LOAD_WORD, jt: 0, jf: 0, k: offset });
const give = (action: number): Instruction => ({ code: RETURN, jt: 0, jf: 0, k: action });
const refuse = (errno: number) => give(ERRNO | errno);

/** `body` runs when the comparison of the loaded word holds, else it is skipped. */
function when(code: number, k: number, body: readonly Instruction[]): Instruction[] {
  return [{ code, jt: 0, jf: body.length, k }, ...body];
}

function unless(code: number, k: number, body: readonly Instruction[]): Instruction[] {
  return [{ code, jt: body.length, jf: 0, k }, ...body];
}

/** TCP is all that the proxy speaks, and the part of the kernel's network that is looked at most. */
const TCP_ONLY = [
  load(argument(0)),
  ...unless(JUMP_EQUAL, AF_INET, unless(JUMP_EQUAL, AF_INET6, [refuse(EAFNOSUPPORT)])),
  load(argument(1)),
  { code: AND, jt: 0, jf: 0, k: SOCK_TYPE_MASK },
  ...unless(JUMP_EQUAL, SOCK_STREAM, [refuse(EAFNOSUPPORT)]),
  load(argument(2)),
  ...unless(JUMP_EQUAL, 0, unless(JUMP_EQUAL, IPPROTO_TCP, [refuse(EAFNOSUPPORT)])),
  give(ALLOW),
];

function program({ countsSharedMemory = false, sockets }: FilterOptions): Instruction[] {
  const unsupported = { ...UNSUPPORTED, ...(countsSharedMemory ? {} : SHARED_MEMORY) };
  return [
    load(ARCH),
    ...unless(JUMP_EQUAL, AUDIT_ARCH_X86_64, [give(KILL_PROCESS)]),
    load(NUMBER),
    // Covers the x32 calls too.
    ...when(JUMP_GREATER_OR_EQUAL, FIRST_UNKNOWN, [refuse(ENOSYS)]),
    ...Object.values(FORBIDDEN).flatMap((number) => when(JUMP_EQUAL, number, [refuse(EPERM)])),
    ...Object.values(unsupported).flatMap((number) => when(JUMP_EQUAL, number, [refuse(ENOSYS)])),
    ...when(JUMP_EQUAL, SOCKET, sockets === "proxied" ? TCP_ONLY : [refuse(EAFNOSUPPORT)]),
    // Child processes of Node talk over socket pairs.
    ...when(JUMP_EQUAL, SOCKETPAIR, [
      load(argument(0)),
      ...unless(JUMP_EQUAL, AF_UNIX, [refuse(EAFNOSUPPORT)]),
      load(argument(1)),
      ...when(JUMP_ANY_BIT, DATAGRAMS, [refuse(EAFNOSUPPORT)]),
      give(ALLOW),
    ]),
    ...when(JUMP_EQUAL, CLONE, [
      load(argument(0)),
      ...when(JUMP_ANY_BIT, CLONE_NEW_NAMESPACES, [refuse(EPERM)]),
      give(ALLOW),
    ]),
    ...when(JUMP_EQUAL, IOCTL, [
      load(argument(1)),
      ...when(JUMP_EQUAL, TIOCSTI, [refuse(EPERM)]),
      ...when(JUMP_EQUAL, TIOCLINUX, [refuse(EPERM)]),
      give(ALLOW),
    ]),
    give(ALLOW),
  ];
}

/**
 * The filter as bubblewrap's `--seccomp` reads it: an array of `struct sock_filter`.
 * @returns undefined for a processor whose call numbers have no table here; sandboxed plugins do not run there
 */
export function seccompProgram(arch: NodeJS.Architecture, options: FilterOptions = {}): Buffer | undefined {
  if (arch !== "x64") return undefined;
  const instructions = program(options);
  const bytes = Buffer.alloc(instructions.length * 8);
  instructions.forEach(({ code, jt, jf, k }, index) => {
    bytes.writeUInt16LE(code, index * 8);
    bytes.writeUInt8(jt, index * 8 + 2);
    bytes.writeUInt8(jf, index * 8 + 3);
    bytes.writeUInt32LE(k >>> 0, index * 8 + 4);
  });
  return bytes;
}
