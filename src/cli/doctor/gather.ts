/**
 * Gathers the facts: opens what plyfs will open, loads what it will load. Changes nothing; a temporary file for the
 * xattr probe is removed at once.
 */

import { accessSync, closeSync, constants, existsSync, openSync, readFileSync, statSync } from 'node:fs';
import { createRequire } from 'node:module';
import { release } from 'node:os';
import { dirname, join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { awakeFacts } from '../../daemon/config/awake-facts.js';
import { listRunStates, runRoot } from '../../daemon/run-directory/run-state.js';
import { isSystemError } from '../../errno/error-code.js';
import { reasonOf } from '../../errno/reason.js';
import { stateRoot } from '../../store/layout.js';
import { displayName } from '../../vfs/name.js';
import type { Facts, FuseDevice, Fusermount, Loadable, Privileges, ServedMountFacts } from './facts.js';
import { probeFuseInit, probeOverlay } from './namespace-probe.js';
import {
  allowsOther,
  hasSysAdmin,
  mapsEveryUser,
  parseKernelConfig,
  parseOpenFilesLimit,
  statusField,
} from './parse-facts.js';
import { probeXattr } from './xattr-probe.js';

const FUSE_DEVICE = '/dev/fuse';
/** Where setuid programs live although a user's PATH may lack it. */
const EXTRA_PATH = ['/usr/bin', '/bin', '/usr/sbin', '/sbin'];

/** Looks at this machine, as this user. */
export async function gatherFacts(): Promise<Facts> {
  const privileges = readPrivileges();
  const { sysAdmin } = privileges;
  // The device first: opening it loads the module, which the probes after it need.
  const fuseDevice = tryFuseDevice();
  const [fuseInit, overlayMounts, koffi] = await Promise.all([
    fuseDevice.error === undefined ? probeFuseInit({ sysAdmin }) : undefined,
    probeOverlay({ sysAdmin }),
    tryKoffi(),
  ]);
  const uring = readText('/sys/module/fuse/parameters/enable_uring');
  return {
    kernelRelease: release(),
    privileges,
    fuseDevice,
    fusermount: findFusermount(),
    userAllowOther: allowsOther(readText('/etc/fuse.conf') ?? ''),
    fuseInit,
    kernelConfig: readKernelConfig(),
    uringEnabled: uring === undefined ? undefined : /^[Y1]/.test(uring),
    koffi,
    fuseNative: findFuseNative(),
    overlayMounts,
    overlayListed: /\boverlay$/m.test(readText('/proc/filesystems') ?? ''),
    openFiles: parseOpenFilesLimit(readText('/proc/self/limits') ?? ''),
    awake: awakeFacts(),
    mounts: servedMounts(),
    xattr: probeXattr(stateRoot(), process.cwd(), { sysAdmin }),
  };
}

function readPrivileges(): Privileges {
  const status = readText('/proc/self/status') ?? '';
  return {
    uid: process.getuid?.() ?? 0,
    sysAdmin: hasSysAdmin(status),
    initialUserNamespace: mapsEveryUser(readText('/proc/self/uid_map') ?? ''),
    noNewPrivs: statusField(status, 'NoNewPrivs') === '1',
  };
}

function tryFuseDevice(): FuseDevice {
  try {
    closeSync(openSync(FUSE_DEVICE, 'r+'));
    return { path: FUSE_DEVICE, error: undefined };
  } catch (error) {
    if (!isSystemError(error)) throw error;
    return { path: FUSE_DEVICE, error: error.code };
  }
}

function findFusermount(): Fusermount | undefined {
  const path = findProgram('fusermount3');
  if (path === undefined) return undefined;
  const { mode, uid } = statSync(path);
  return { path, setuid: uid === 0 && (mode & 0o4000) !== 0 };
}

function findProgram(name: string): string | undefined {
  const directories = [...(process.env.PATH ?? '').split(':').filter((entry) => entry !== ''), ...EXTRA_PATH];
  return directories.map((directory) => join(directory, name)).find(isExecutable);
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return statSync(path).isFile();
  } catch (error) {
    if (!isSystemError(error)) throw error;
    return false;
  }
}

async function tryKoffi(): Promise<Loadable> {
  try {
    const { default: koffi } = await import('koffi');
    return { found: true, detail: `${koffi.version}, ${process.platform}-${process.arch}` };
  } catch (error) {
    return { found: false, detail: firstLine(error) };
  }
}

/** Looks for the prebuilt binary without loading it: it would bring libfuse 2 into this process. */
function findFuseNative(): Loadable {
  const require = createRequire(import.meta.url);
  try {
    const manifestPath = require.resolve('fuse-native/package.json');
    const prebuilt = join(dirname(manifestPath), 'prebuilds', `linux-${process.arch}`, 'node.napi.node');
    if (!existsSync(prebuilt))
      return { found: false, detail: `no prebuilt binary for linux-${process.arch}` };
    const manifest: unknown = JSON.parse(readFileSync(manifestPath, 'utf8'));
    const version =
      typeof manifest === 'object' && manifest && 'version' in manifest ? manifest.version : 'found';
    return { found: true, detail: `${String(version)}, linux-${process.arch}` };
  } catch (error) {
    return { found: false, detail: firstLine(error) };
  }
}

function readKernelConfig(): ReadonlyMap<string, string> | undefined {
  const packed = readBytes('/proc/config.gz');
  const text = packed ? gunzipSync(packed).toString('latin1') : readText(`/boot/config-${release()}`);
  return text === undefined ? undefined : parseKernelConfig(text);
}

function readText(path: string): string | undefined {
  return readBytes(path)?.toString('utf8');
}

/** Undefined for a file that is not there or not ours to read: the doctor goes on without it. */
function readBytes(path: string): Buffer | undefined {
  try {
    return readFileSync(path);
  } catch (error) {
    if (!isSystemError(error)) throw error;
    return undefined;
  }
}

function firstLine(error: unknown): string {
  return reasonOf(error).split('\n', 1)[0]!;
}

function servedMounts(): ServedMountFacts[] {
  return listRunStates(runRoot())
    .filter(({ mountId }) => mountId !== undefined)
    .map(({ mountpoint, endsBecause }) => ({ mountpoint: displayName(mountpoint), endsBecause }));
}
