/**
 * What the facts mean for plyfs: one function a finding, all pure.
 *
 * INVARIANT: a finding that is not `ok` has a cost, in words that a user of mounts understands.
 */

import { whyNotAwake } from '../../daemon/config/awake-facts.js';
import { LIMITS } from '../../engine/fuse-native/native-limits.js';
import type { Facts } from './facts.js';
import type { DoctorFinding, Level } from './finding.js';
import { parseKernelRelease } from './parse-facts.js';

/** openat2(2), which every access goes through, came with 5.6. */
const OPENAT2_SINCE = [5, 6] as const;
const PASSTHROUGH_SINCE = [6, 9] as const;
/** Below it the cache of descriptors has to evict all the time. */
const ENOUGH_OPEN_FILES = 4096;

type Judge = (facts: Facts) => DoctorFinding;

const judges: readonly Judge[] = [
  judgeFuseDevice,
  judgeFusermount,
  judgePrivileges,
  judgeAllowOther,
  judgeKernel,
  judgeProtocol,
  judgePassthrough,
  judgeUring,
  judgeKoffi,
  judgeFuseNative,
  judgeOverlay,
  judgeOpenFiles,
  judgeAwake,
  judgeMounts,
  judgeXattr,
];

/** All findings, the required things first. */
export function judgeFacts(facts: Facts): DoctorFinding[] {
  return judges.map((judge) => judge(facts));
}

function finding(name: string, ok: Level, detail: string, cost: string): DoctorFinding {
  return { name, ok, detail, cost };
}

/** CAP_SYS_ADMIN that the whole machine honours. */
function privileged({ privileges }: Facts): boolean {
  return privileges.sysAdmin && privileges.initialUserNamespace;
}

const deviceRemedies: ReadonlyMap<string, string> = new Map([
  ['ENOENT', 'load the module (modprobe fuse); in a container: --device /dev/fuse'],
  ['ENODEV', 'load the module: modprobe fuse'],
  ['ENXIO', 'load the module: modprobe fuse'],
  ['EACCES', 'as root: chmod 666 /dev/fuse'],
  ['EPERM', 'in a container: --device /dev/fuse'],
]);

function judgeFuseDevice({ fuseDevice: { path, error } }: Facts): DoctorFinding {
  if (error === undefined) return finding(path, 'ok', 'opens for reading and writing', '');
  const remedy = deviceRemedies.get(error) ?? 'see dmesg';
  return finding(path, 'missing', `does not open: ${error}`, `nothing can be mounted; ${remedy}`);
}

function judgeFusermount(facts: Facts): DoctorFinding {
  const name = 'fusermount3';
  const { fusermount, privileges } = facts;
  const needed = !privileged(facts);
  const install = 'install the package fuse3 (native-setup/install.sh does)';
  if (!fusermount) {
    return needed
      ? finding(name, 'missing', 'not found', `without CAP_SYS_ADMIN nothing can be mounted; ${install}`)
      : finding(name, 'warn', 'not found', `other users of this host cannot mount; ${install}`);
  }
  if (!fusermount.setuid) {
    const cost = 'users without CAP_SYS_ADMIN cannot mount; as root: chmod u+s it';
    return finding(name, needed ? 'missing' : 'warn', `${fusermount.path} is not setuid root`, cost);
  }
  if (needed && privileges.noNewPrivs) {
    const cost = 'nothing can be mounted; run plyfs outside the sandbox that set no_new_privs';
    return finding(name, 'missing', `${fusermount.path} is setuid root, but no_new_privs is set`, cost);
  }
  return finding(name, 'ok', `${fusermount.path}, setuid root`, '');
}

function judgePrivileges(facts: Facts): DoctorFinding {
  const name = 'privileges';
  const { uid, sysAdmin, initialUserNamespace } = facts.privileges;
  if (privileged(facts)) return finding(name, 'ok', `uid ${uid}, CAP_SYS_ADMIN`, '');
  const detail =
    sysAdmin && !initialUserNamespace
      ? `uid ${uid}, CAP_SYS_ADMIN only in a user namespace`
      : `uid ${uid}, no CAP_SYS_ADMIN`;
  const cost =
    'files are read and written through the daemon (no passthrough), metadata goes to user.overlay.*, ' +
    'owners other than your own and device nodes cannot be kept';
  return finding(name, 'warn', detail, cost);
}

function judgeAllowOther(facts: Facts): DoctorFinding {
  const name = 'user_allow_other';
  if (facts.userAllowOther) return finding(name, 'ok', 'set in /etc/fuse.conf', '');
  if (privileged(facts)) return finding(name, 'ok', 'not set, and not needed with CAP_SYS_ADMIN', '');
  const cost = 'only you can enter your mounts, root cannot either; as root add the line to /etc/fuse.conf';
  return finding(name, 'warn', 'not set in /etc/fuse.conf', cost);
}

function judgeKernel({ kernelRelease }: Facts): DoctorFinding {
  const since = OPENAT2_SINCE.join('.');
  if (isOlder(kernelRelease, OPENAT2_SINCE)) {
    return finding('kernel', 'missing', kernelRelease, `openat2(2) is missing; plyfs needs Linux ${since}`);
  }
  return finding('kernel', 'ok', kernelRelease, '');
}

function judgeProtocol({ fuseInit, fuseDevice }: Facts): DoctorFinding {
  const name = 'FUSE protocol';
  if (!fuseInit) {
    const why = fuseDevice.error ? `${fuseDevice.path} does not open` : 'no private namespace to mount in';
    return finding(
      name,
      'warn',
      `not tried: ${why}`,
      'features below are judged by configuration and version',
    );
  }
  const version = `${fuseInit.major}.${fuseInit.minor}`;
  if (fuseInit.resend) return finding(name, 'ok', `${version}, with resend`, '');
  const cost = 'mounts end when their daemon is killed, none can take them over; Linux 6.9 has it';
  return finding(name, 'warn', `${version}, without resend`, cost);
}

function judgeMounts({ mounts }: Facts): DoctorFinding {
  const name = 'mounts';
  const ending = mounts.filter(({ endsBecause }) => endsBecause !== undefined);
  const [first] = ending;
  if (first === undefined) {
    const detail = mounts.length === 0 ? 'none' : `${mounts.length}, which go on when their daemon is killed`;
    return finding(name, 'ok', detail, '');
  }
  const others = ending.length > 1 ? `, and ${ending.length - 1} more` : '';
  const detail = `'${first.mountpoint}' ends with its daemon: ${first.endsBecause}${others}`;
  return finding(
    name,
    'warn',
    detail,
    'when the daemon is killed its programs get errors; plyfs daemon status lists them',
  );
}

function judgePassthrough(facts: Facts): DoctorFinding {
  const name = 'FUSE passthrough';
  const offered = offersPassthrough(facts);
  const cost = 'reads, writes and mmap go through the daemon: sequential writes about a third as fast';
  if (!offered.yes) return finding(name, 'warn', `not offered (${offered.by})`, `${cost}; Linux 6.9 has it`);
  if (!privileged(facts)) {
    return finding(name, 'warn', `offered (${offered.by}), but needs CAP_SYS_ADMIN`, `${cost}; run as root`);
  }
  return finding(name, 'ok', `offered (${offered.by})`, '');
}

/** The kernel's own word first, then its configuration, then its version. */
function offersPassthrough({ fuseInit, kernelConfig, kernelRelease }: Facts): { yes: boolean; by: string } {
  if (fuseInit) return { yes: fuseInit.passthrough, by: 'asked the kernel' };
  if (kernelConfig)
    return { yes: kernelConfig.get('CONFIG_FUSE_PASSTHROUGH') === 'y', by: 'kernel configuration' };
  return { yes: !isOlder(kernelRelease, PASSTHROUGH_SINCE), by: 'kernel version' };
}

/** Never a warning: plyfs does not use it, and a healthy host should show none. */
function judgeUring({ fuseInit, uringEnabled }: Facts): DoctorFinding {
  const enabled = fuseInit?.ioUring ?? uringEnabled;
  const states = { true: 'on', false: 'off (enable_uring=N)', undefined: 'not in this kernel' } as const;
  const state = uringEnabled === undefined && !enabled ? states.undefined : states[`${enabled ?? false}`];
  return finding('FUSE over io_uring', 'ok', state, 'nothing today: plyfs reads /dev/fuse');
}

function judgeKoffi({ koffi }: Facts): DoctorFinding {
  if (koffi.found) return finding('koffi', 'ok', koffi.detail, '');
  const cost =
    'the default engine cannot start: npm install again, on an architecture that koffi has binaries for';
  return finding('koffi', 'missing', koffi.detail, cost);
}

function judgeFuseNative({ fuseNative }: Facts): DoctorFinding {
  if (fuseNative.found) {
    const limits = LIMITS.map((limit) => limit.text).join('; ');
    return finding('fuse-native', 'ok', `${fuseNative.detail}; limits of that engine: ${limits}`, '');
  }
  return finding('fuse-native', 'warn', fuseNative.detail, 'only --engine fuse-native does not work');
}

function judgeOverlay({ overlayMounts, overlayListed }: Facts): DoctorFinding {
  const name = 'kernel overlayfs';
  if (overlayMounts) return finding(name, 'ok', 'mounts', '');
  if (overlayMounts === undefined && overlayListed)
    return finding(name, 'ok', 'in /proc/filesystems, not tried', '');
  const cost = 'plyfs does not need it; an upper cannot be mounted on this host without plyfs';
  return finding(name, 'warn', overlayMounts === false ? 'does not mount' : 'not found', cost);
}

function judgeOpenFiles({ openFiles }: Facts): DoctorFinding {
  const name = 'open files';
  if (!openFiles) return finding(name, 'ok', 'limit not known', '');
  // Node raises the soft limit to the hard one when it starts, so the hard one counts.
  const detail = `at most ${openFiles.hard === Number.POSITIVE_INFINITY ? 'any number' : openFiles.hard}`;
  if (openFiles.hard >= ENOUGH_OPEN_FILES) return finding(name, 'ok', detail, '');
  const cost = `programs in the mount get EMFILE sooner, and lookups are slower; raise ulimit -Hn to ${ENOUGH_OPEN_FILES}`;
  return finding(name, 'warn', detail, cost);
}

/** Never a warning: who turned it off knows, and one CPU needs none. */
function judgeAwake({ awake }: Facts): DoctorFinding {
  const why = whyNotAwake(awake);
  return finding(
    'CPUs kept awake in bursts',
    'ok',
    why === undefined ? "yes; 'plyfs inspect' says by what" : `no: ${why}`,
    '',
  );
}

function judgeXattr(facts: Facts): DoctorFinding {
  const name = 'extended attributes';
  const { directory, trusted, user } = facts.xattr;
  if (trusted) return finding(name, 'ok', `trusted.* can be set in ${directory}`, '');
  if (user) {
    const cost = 'opaque directories are kept in user.overlay.*: kernel overlayfs then needs -o userxattr';
    return finding(name, 'warn', `user.* but not trusted.* can be set in ${directory}`, cost);
  }
  if (trusted === false && user === false) {
    const cost =
      'an upper there cannot keep opaque directories, redirects or attributes; put it on ext4, xfs or btrfs';
    return finding(name, 'warn', `none can be set in ${directory}`, cost);
  }
  return finding(name, 'warn', `could not be tried in ${directory}`, 'not known before the first mount');
}

/** False when the release cannot be read: then it is tried rather than refused. */
function isOlder(release: string, since: readonly [number, number]): boolean {
  const version = parseKernelRelease(release);
  if (!version) return false;
  return version[0] < since[0] || (version[0] === since[0] && version[1] < since[1]);
}
