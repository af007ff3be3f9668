/**
 * The system calls that a container's command does not get: what Docker's default profile leaves out, as its effect was
 * measured beside a daemon of Docker's (20.10, Linux 6.18), and since then io_uring, vsock and TIOCSTI.
 *
 * A list of what is refused rather than of what is allowed: what both say of a call that neither names differs, so a call newer
 * than the table (NEWEST) does not exist for containers.
 */

import { CAP_DAC_READ_SEARCH, CAP_SYS_ADMIN, CAP_SYS_PTRACE } from '../../../linux/process/process.js';

/** include/uapi/linux/capability.h; those that no other module names. */
const CAP_SYS_MODULE = 16;
const CAP_SYS_RAWIO = 17;
const CAP_SYS_PACCT = 20;
const CAP_SYS_BOOT = 22;
const CAP_SYS_NICE = 23;
const CAP_SYS_TIME = 25;
const CAP_SYS_TTY_CONFIG = 26;
const CAP_SYSLOG = 34;
const CAP_PERFMON = 38;
const CAP_BPF = 39;

/** A condition on the low half of an argument. */
export interface ArgumentTest {
  readonly index: number;
  readonly is: 'equal' | 'not-one-of' | 'has-one-of-bits';
  readonly values: readonly number[];
}

interface SeccompRefusal {
  readonly names: readonly string[];
  /** Allowed with one of these capabilities. */
  readonly unless?: readonly number[];
  /** Refused only when it holds. */
  readonly when?: ArgumentTest;
  /** EPERM where it is not said. */
  readonly answer?: 'ENOSYS';
}

/** CLONE_NEWTIME is of clone3 and unshare alone: its bit is the signal of clone's. */
const NEW_NAMESPACES = 0x7e02_0000;
const AF_VSOCK = 40;
const TIOCSTI = 0x5412;
const TIOCLINUX = 0x541c;
/** PER_LINUX, PER_LINUX32, both with UNAME26, and the question what it is. */
const HARMLESS_PERSONALITIES = [0, 8, 0x2_0000, 0x2_0008, 0xffff_ffff];

export const REFUSALS: readonly SeccompRefusal[] = [
  {
    names: ['clone'],
    unless: [CAP_SYS_ADMIN],
    when: { index: 0, is: 'has-one-of-bits', values: [NEW_NAMESPACES] },
  },
  // Its flags lie in memory, where no filter looks: the C library goes on with clone.
  { names: ['clone3'], unless: [CAP_SYS_ADMIN], answer: 'ENOSYS' },
  { names: ['personality'], when: { index: 0, is: 'not-one-of', values: HARMLESS_PERSONALITIES } },
  { names: ['socket'], when: { index: 0, is: 'equal', values: [AF_VSOCK] } },
  { names: ['ioctl'], when: { index: 1, is: 'equal', values: [TIOCSTI, TIOCLINUX] } },
  {
    names: [
      'unshare',
      'mount',
      'umount',
      'umount2',
      'open_tree',
      'move_mount',
      'fsopen',
      'fsconfig',
      'fsmount',
      'fspick',
      'mount_setattr',
      'setns',
      'quotactl',
      'quotactl_fd',
      'lookup_dcookie',
      'fanotify_init',
      'sethostname',
      'setdomainname',
      'statmount',
      'listmount',
      'lsm_get_self_attr',
      'lsm_set_self_attr',
      'lsm_list_modules',
    ],
    unless: [CAP_SYS_ADMIN],
  },
  { names: ['bpf'], unless: [CAP_SYS_ADMIN, CAP_BPF] },
  { names: ['perf_event_open'], unless: [CAP_SYS_ADMIN, CAP_PERFMON] },
  { names: ['syslog'], unless: [CAP_SYS_ADMIN, CAP_SYSLOG] },
  {
    names: ['process_vm_readv', 'process_vm_writev', 'kcmp', 'pidfd_getfd', 'process_madvise'],
    unless: [CAP_SYS_PTRACE],
  },
  { names: ['init_module', 'delete_module', 'finit_module'], unless: [CAP_SYS_MODULE] },
  { names: ['settimeofday', 'stime', 'clock_settime', 'clock_settime64'], unless: [CAP_SYS_TIME] },
  { names: ['iopl', 'ioperm'], unless: [CAP_SYS_RAWIO] },
  { names: ['open_by_handle_at'], unless: [CAP_DAC_READ_SEARCH] },
  {
    names: ['mbind', 'set_mempolicy', 'get_mempolicy', 'set_mempolicy_home_node'],
    unless: [CAP_SYS_NICE],
  },
  { names: ['acct'], unless: [CAP_SYS_PACCT] },
  { names: ['reboot'], unless: [CAP_SYS_BOOT] },
  { names: ['vhangup'], unless: [CAP_SYS_TTY_CONFIG] },
  {
    names: [
      'add_key',
      'request_key',
      'keyctl',
      'kexec_load',
      'kexec_file_load',
      'swapon',
      'swapoff',
      'pivot_root',
      'migrate_pages',
      'move_pages',
      'name_to_handle_at',
      'userfaultfd',
      'pkey_mprotect',
      'pkey_alloc',
      'pkey_free',
      'io_uring_setup',
      'io_uring_enter',
      'io_uring_register',
      'uselib',
      'ustat',
      'sysfs',
      'vm86',
      'vm86old',
    ],
  },
];
