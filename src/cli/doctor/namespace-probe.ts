/**
 * Probes by doing: real mounts, made by unshare(1) and mount(8) in a mount namespace of their own, which ends with the
 * child. Nothing shows on the host and nothing can be left behind, also when the doctor is killed.
 *
 * Without CAP_SYS_ADMIN a user namespace is tried; where that is forbidden the answer is undefined, not "no".
 */

import { execFile } from 'node:child_process';
import type { FuseInit } from './facts.js';
import { decodeFuseInit } from './parse-facts.js';

/** A child that hangs (a mount that never answers) is killed then. */
const PROBE_TIMEOUT_MS = 5000;

/**
 * The mount sends FUSE_INIT at once and dd prints it; it is never answered, so the mount is dead when the namespace
 * ends. The device is opened inside, since FUSE wants the opener's user namespace to be that of the mount. It lies on
 * /sys and not on /tmp, below which PATH may lead: looking for dd there would wait for the answer for ever.
 */
const FUSE_INIT_SCRIPT = `
exec 3<>/dev/fuse || exit 1
mount -i -n -t fuse -o fd=3,rootmode=40000,user_id=0,group_id=0 plyfs-doctor /sys || exit 1
exec dd bs=131072 count=1 <&3`;

/** Exit status 3: the preparation failed, so that nothing is said of overlay. */
const OVERLAY_SCRIPT = `
mount -n -t tmpfs plyfs-doctor /tmp || exit 3
mkdir /tmp/l /tmp/u /tmp/w /tmp/m || exit 3
mount -n -t overlay -o lowerdir=/tmp/l,upperdir=/tmp/u,workdir=/tmp/w$1 plyfs-doctor /tmp/m || exit 1`;

/** What this kernel offers in FUSE_INIT. */
export async function probeFuseInit({
  sysAdmin,
}: {
  readonly sysAdmin: boolean;
}): Promise<FuseInit | undefined> {
  const { stdout } = await runInNamespace({ sysAdmin }, FUSE_INIT_SCRIPT, '');
  return decodeFuseInit(stdout);
}

/** Whether this user can mount an overlay; undefined when no namespace could be made. */
export async function probeOverlay({
  sysAdmin,
}: {
  readonly sysAdmin: boolean;
}): Promise<boolean | undefined> {
  const { status } = await runInNamespace(
    { sysAdmin },
    `${OVERLAY_SCRIPT}\nexit 4`,
    sysAdmin ? '' : ',userxattr',
  );
  if (status === 4) return true;
  // mount(8) said no only if the script got so far: unshare itself fails with 1 too, and then prints its name.
  return status === 1 ? false : undefined;
}

interface Outcome {
  /** Exit status; undefined when the child could not be started, was killed, or unshare refused. */
  readonly status: number | undefined;
  readonly stdout: Buffer;
}

function runInNamespace(
  { sysAdmin }: { readonly sysAdmin: boolean },
  script: string,
  argument: string,
): Promise<Outcome> {
  const namespaces = sysAdmin ? ['--mount'] : ['--user', '--map-root-user', '--mount'];
  const args = [...namespaces, '--propagation', 'private', 'sh', '-c', script, 'sh', argument];
  const options = { timeout: PROBE_TIMEOUT_MS, killSignal: 'SIGKILL', encoding: 'buffer', cwd: '/' } as const;
  return new Promise((resolve) => {
    execFile('unshare', args, options, (error, stdout, stderr) => {
      const refused = stderr.toString('latin1').startsWith('unshare:');
      const code = error ? error.code : 0;
      resolve({ status: typeof code === 'number' && !refused ? code : undefined, stdout });
    });
  });
}
