/**
 * Numbers of the system calls that the profile names, by architecture.
 * Source: arch/x86/entry/syscalls/syscall_{64,32}.tbl, include/uapi/asm-generic/unistd.h, Linux 6.18.
 */

/** x86-64, i386, arm64; 0 where there is none. (0 is none of the calls below on any of them.) */
const ROWS: Readonly<Record<string, readonly [number, number, number]>> = {
  clone: [56, 120, 220],
  personality: [135, 136, 92],
  socket: [41, 359, 198],
  ioctl: [16, 54, 29],
  uselib: [134, 86, 0],
  ustat: [136, 62, 0],
  sysfs: [139, 135, 0],
  swapon: [167, 87, 224],
  swapoff: [168, 115, 225],
  vm86: [0, 166, 0],
  vm86old: [0, 113, 0],
  kexec_load: [246, 283, 104],
  kexec_file_load: [320, 0, 294],
  add_key: [248, 286, 217],
  request_key: [249, 287, 218],
  keyctl: [250, 288, 219],
  migrate_pages: [256, 294, 238],
  move_pages: [279, 317, 239],
  name_to_handle_at: [303, 341, 264],
  open_by_handle_at: [304, 342, 265],
  userfaultfd: [323, 374, 282],
  pkey_mprotect: [329, 380, 288],
  pkey_alloc: [330, 381, 289],
  pkey_free: [331, 382, 290],
  pivot_root: [155, 217, 41],
  reboot: [169, 88, 142],
  acct: [163, 51, 89],
  vhangup: [153, 111, 58],
  syslog: [103, 103, 116],
  settimeofday: [164, 79, 170],
  stime: [0, 25, 0],
  clock_settime: [227, 264, 112],
  clock_settime64: [0, 404, 0],
  mount: [165, 21, 40],
  umount: [0, 22, 0],
  umount2: [166, 52, 39],
  iopl: [172, 110, 0],
  ioperm: [173, 101, 0],
  init_module: [175, 128, 105],
  delete_module: [176, 129, 106],
  finit_module: [313, 350, 273],
  quotactl: [179, 131, 60],
  lookup_dcookie: [212, 253, 18],
  mbind: [237, 274, 235],
  set_mempolicy: [238, 276, 237],
  get_mempolicy: [239, 275, 236],
  unshare: [272, 310, 97],
  setns: [308, 346, 268],
  perf_event_open: [298, 336, 241],
  process_vm_readv: [310, 347, 270],
  process_vm_writev: [311, 348, 271],
  kcmp: [312, 349, 272],
  bpf: [321, 357, 280],
  fanotify_init: [300, 338, 262],
  sethostname: [170, 74, 161],
  setdomainname: [171, 121, 162],
};

/** From 424 on all architectures have the same. */
const COMMON: Readonly<Record<string, number>> = {
  io_uring_setup: 425,
  io_uring_enter: 426,
  io_uring_register: 427,
  open_tree: 428,
  move_mount: 429,
  fsopen: 430,
  fsconfig: 431,
  fsmount: 432,
  fspick: 433,
  clone3: 435,
  pidfd_getfd: 438,
  process_madvise: 440,
  mount_setattr: 442,
  quotactl_fd: 443,
  set_mempolicy_home_node: 450,
  statmount: 457,
  listmount: 458,
  lsm_get_self_attr: 459,
  lsm_set_self_attr: 460,
  lsm_list_modules: 461,
};

/** removexattrat. */
export const NEWEST = 466;

export type Architecture = 'x86_64' | 'i386' | 'aarch64';

/** AUDIT_ARCH_* (include/uapi/linux/audit.h). */
export const AUDIT_ARCH: Readonly<Record<Architecture, number>> = {
  x86_64: 0xc000_003e,
  i386: 0x4000_0003,
  aarch64: 0xc000_00b7,
};

const COLUMN: Readonly<Record<Architecture, 0 | 1 | 2>> = { x86_64: 0, i386: 1, aarch64: 2 };

/** @returns undefined where the architecture has no such call. @throws Error for a name that is not in the tables. */
export function syscallNumber(name: string, architecture: Architecture): number | undefined {
  const common = COMMON[name];
  if (common !== undefined) return common;
  const row = ROWS[name];
  if (row === undefined) throw new Error(`no number of the system call '${name}'`);
  return row[COLUMN[architecture]] || undefined;
}
