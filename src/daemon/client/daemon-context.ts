/**
 * The daemon that a mount may be served by: one for each set of what a process is given by who starts it.
 *
 * The command that starts a daemon gives it namespaces, credentials, limits, a cgroup and an environment, and a mount is to have those of
 * the command that asked for it. So mounts of commands that are alike in all of them share a daemon, others have another.
 */

import { readFileSync, readlinkSync, statSync } from 'node:fs';
import { getPriority } from 'node:os';
import { join } from 'node:path';
import { readMountinfo } from '../../linux/mounts/mountinfo.js';
import type { Name } from '../../vfs/name.js';
import type { MountConfig, ResolvedMount } from '../config/mount-config.js';
import { sharedEnvironment } from '../config/own-environment.js';
import { remoteSourceOf } from '../config/remote-source.js';

const NAMESPACES = ['mnt', 'user', 'pid', 'net', 'cgroup', 'ipc', 'uts'];
/** Lines of /proc/self/status. */
const CREDENTIALS =
  /^(?:Uid|Gid|Groups|Cap\w+|NoNewPrivs|Seccomp|Seccomp_filters|Cpus_allowed|Mems_allowed):.*$/gm;

/** The directory of the daemon for commands such as this one. @param script what it runs: of another version it is another. */
export function daemonDirectory(root: string, script: string): string {
  const { mtimeMs, dev: scriptDevice, ino: scriptNumber } = statSync(script);
  const { dev, ino } = statSync('/');
  const parts = {
    script: [script, mtimeMs, scriptDevice, scriptNumber, process.execPath],
    environment: Object.entries(sharedEnvironment()).sort(),
    root: [dev, ino],
    namespaces: NAMESPACES.map((name) => linkOf(`/proc/self/ns/${name}`)),
    credentials: textOf('/proc/self/status').match(CREDENTIALS),
    limits: textOf('/proc/self/limits'),
    cgroup: textOf('/proc/self/cgroup'),
    priority: [getPriority(), textOf('/proc/self/oom_score_adj'), textOf('/proc/self/attr/current')],
  };
  return join(root, 'daemons', fingerprint(JSON.stringify(parts)));
}

/**
 * 16 digits that tell one text from another: FNV-1a in two lanes. All that goes in is the user's own, so nobody gains by a second
 * text of the same digits, and Node's crypto takes a tenth of the time of a short command to load.
 */
export function fingerprint(text: string): string {
  let [one, other] = [0x811c9dc5, 0x9e3779b9];
  for (let index = 0; index < text.length; index++) {
    const unit = text.charCodeAt(index);
    one = Math.imul(one ^ unit, 0x01000193);
    other = Math.imul(other ^ unit, 0x85ebca6b);
  }
  return digitsOf(one) + digitsOf(other);
}

/** Eight of them; each bit of the number has its part in each. */
function digitsOf(number: number): string {
  let mixed = Math.imul(number ^ (number >>> 16), 0x7feb352d);
  mixed = Math.imul(mixed ^ (mixed >>> 15), 0x846ca68b);
  return ((mixed ^ (mixed >>> 16)) >>> 0).toString(16).padStart(8, '0');
}

/**
 * Whether the mount may share a daemon: nothing of it can hang at its start, when the daemon does for it what would hold up the
 * others, and nothing is asked of it that is the process's.
 */
export async function mayShare(config: MountConfig): Promise<boolean> {
  if (config.engine !== 'kernel' || config.debug) return false;
  // A draft's mount that has a place has it in a namespace of its own, and no other is to keep that.
  if (config.liveLayers === true && config.isDetached !== true) return false;
  const entries = readMountinfo();
  const isRemote = (path: Name | undefined): boolean =>
    path !== undefined && remoteSourceOf(path, { remote: undefined }, entries) !== undefined;
  if (config.mounts.some(({ remote, hostPath }) => remote !== undefined || isRemote(hostPath))) return false;
  // An automounter lets only its own process group get at the mount point before something is mounted.
  if (entries.some(({ type, mountpoint }) => type === 'autofs' && isBelow(config.mountpoint, mountpoint)))
    return false;
  const images = config.mounts.flatMap(({ imageLayers = [] }) => imageLayers);
  const own = [config.upper, config.work, config.mountpoint, ...config.layers, ...(config.dataLayers ?? [])];
  if ([...own, ...images].some(isRemote)) return false;
  return !(await haveStorage(config.mounts));
}

function isBelow(path: Name, directory: Name): boolean {
  return path === directory || path.startsWith(`${directory}/`);
}

/** Volumes whose storage is mounted when they begin to be used. */
async function haveStorage(mounts: readonly ResolvedMount[]): Promise<boolean> {
  const places = mounts.map(({ volume }) => volume).filter((volume) => volume !== undefined);
  if (places.length === 0) return false;
  const { Store } = await import('../../store/store.js');
  const { readVolume } = await import('../../store/volume-record.js');
  return places.some(({ root, name }) => {
    const options = readVolume(new Store(root), name)?.options ?? {};
    return Object.keys(options).length > 0;
  });
}

/** Empty where the kernel has none. */
function textOf(path: string): string {
  try {
    return readFileSync(path, 'latin1');
  } catch (error) {
    if (error instanceof Error && 'code' in error) return '';
    throw error;
  }
}

function linkOf(path: string): string {
  try {
    return readlinkSync(path);
  } catch (error) {
    if (error instanceof Error && 'code' in error) return '';
    throw error;
  }
}
