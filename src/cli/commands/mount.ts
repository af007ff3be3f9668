/**
 * `plyfs mount`: one union mount, served by a daemon that lives on, or by this process with `-f`.
 */

import { statSync } from 'node:fs';
import { resolve } from 'node:path';
import { Command, Option } from 'commander';
import type { MountWish } from '../../daemon/build-config.js';
import type { EngineName, MountConfig } from '../../daemon/mount-config.js';
import { collect, DEBUG_FLAG, DEBUG_TEXT } from '../options.js';
import { fail } from '../output.js';

const DETAILS = `
Layers are read-only directories; names of a later -l hide those of an earlier one. Changes go to the upper directory,
in the form that kernel overlayfs uses. Without --upper the mount is read-only. The mount points of -v, --mount and
--tmpfs need not exist.

SRC of -l is a path when there is one of that name or when it begins with '/', './' or '../'; else it is the name or id
of an image. A tar (plain, gzip, zstd) is unpacked into the store once, and stays there until 'plyfs image prune'.

-o takes what 'mount -t overlay' takes: lowerdir=TOP:...:BOTTOM (and '::DATA' for layers of data alone; or lowerdir+=,
datadir+=), upperdir=, workdir=, userxattr, volatile, ro, and allow_other, nosuid, nodev, noexec, noatime, relatime,
strictatime, fsname=; and of its own:
  passthrough=programs   the default (also: coherent): files of layers that are open follow what is written to them later
                         ('tail -f' of a log, maps, locks, inotify). They are read through the daemon until they lie in
                         upper; program code (ELF) is read by the kernel itself.
  passthrough=all        the kernel reads all files of layers itself, and mounts share one copy of them in memory; who has
                         one open does not see its first change.
  compat=fuse-overlayfs  reads layers and an upper that fuse-overlayfs wrote: its '.wh.' whiteouts, opaque marks, and
                         owners in override_stat. Changes get overlayfs's form; names that begin with '.wh.' are refused.

Examples:
  plyfs mount -l base -l app --upper changes /mnt
  plyfs mount -o lowerdir=app:base,upperdir=changes,workdir=work /mnt     the same, as overlayfs has it
  plyfs mount -l rootfs /mnt                                              read-only
  plyfs mount -l debian:12 -l app.tar.gz --upper changes /mnt             an image, and a layer tar on top
  plyfs mount -l rootfs --upper up -v /srv/www:/var/www:ro /mnt           a bind mount
  plyfs mount -l rootfs --upper up -v data:/var/lib/db /mnt               a named volume, made at first use
  plyfs mount -l rootfs --upper up --mount type=bind,src=./app.conf,dst=/etc/app.conf,ro /mnt
  plyfs mount -l rootfs --tmpfs /tmp:size=64m /mnt                        a tmpfs over a read-only tree

'plyfs umount MOUNTPOINT' takes it away; a mount in the foreground also ends with Ctrl-C.`;

interface MountFlags {
  readonly layer?: string[] | undefined;
  readonly upper?: string;
  readonly work?: string;
  readonly option?: string[];
  readonly volume?: string[];
  readonly mount?: string[];
  readonly tmpfs?: string[];
  readonly readOnly?: boolean;
  readonly engine: EngineName;
  readonly foreground?: boolean;
  readonly root?: string;
  readonly debug?: boolean;
}

export function mountCommand(): Command {
  return new Command('mount')
    .description('mount layers, an upper and other mounts as one tree')
    .argument('<mountpoint>', 'an existing directory')
    .option('-l, --layer <src>', 'a directory, a layer tar or an image, bottom first (repeatable)', collect)
    .option('--upper <dir>', 'the directory that takes all changes')
    .option('--work <dir>', 'scratch directory on the file system of upper (default: UPPER.work)')
    .option('-o, --option <options>', 'options as of mount -t overlay, comma-separated (repeatable)', collect)
    .option('-v, --volume <spec>', '[SOURCE:]TARGET[:MODES], a bind mount or a volume (repeatable)', collect)
    .option('--mount <spec>', 'type=...,src=...,dst=...: the same in long form (repeatable)', collect)
    .option('--tmpfs <spec>', 'TARGET[:size=...,mode=...], an empty tree in memory (repeatable)', collect)
    .option('--read-only', 'refuse all changes to the union; mounts over it keep their own mode')
    .addOption(
      new Option('--engine <name>', 'who speaks FUSE').choices(['kernel', 'fuse-native']).default('kernel'),
    )
    .option('-f, --foreground', 'serve from this process, log on standard error')
    .option(
      '--root <dir>',
      'where volumes and images are kept (default: /var/lib/plyfs, or ~/.local/share/plyfs)',
    )
    .option(DEBUG_FLAG, DEBUG_TEXT)
    .addHelpText('after', DETAILS)
    .action(runMount);
}

async function runMount(mountpoint: string, flags: MountFlags): Promise<void> {
  const debug = flags.debug === true;
  try {
    const { buildConfig } = await import('../../daemon/build-config.js');
    const config = buildConfig(wishOf(mountpoint, { ...flags, layer: await layersOf(flags) }));
    await printNotices(config);
    if (flags.foreground) return await serveHere(config);
    const { launchDaemon } = await import('../../daemon/launch.js');
    await launchDaemon(config);
  } catch (error) {
    fail('mount', error, debug);
  }
}

/** Directories alone need neither the store nor what reads images. */
async function layersOf({ layer, root }: MountFlags): Promise<string[] | undefined> {
  if (
    layer === undefined ||
    layer.every((path) => statSync(path, { throwIfNoEntry: false })?.isDirectory())
  ) {
    return layer;
  }
  const { Store } = await import('../../store/store.js');
  const { resolveLayers } = await import('../../image/layer-sources.js');
  return resolveLayers(new Store(root === undefined ? undefined : resolve(root)), layer, process.cwd());
}

function wishOf(mountpoint: string, flags: MountFlags): MountWish {
  return {
    mountpoint,
    layers: flags.layer,
    upper: flags.upper,
    work: flags.work,
    options: flags.option,
    volumes: flags.volume,
    mounts: flags.mount,
    tmpfs: flags.tmpfs,
    readOnly: flags.readOnly,
    engine: flags.engine,
    root: flags.root,
    debug: flags.debug,
  };
}

/** What the engine lacks; what was accepted and does nothing here (SELinux labels, propagation), said once. */
async function printNotices(config: MountConfig): Promise<void> {
  if (config.engine === 'fuse-native') {
    const { WARNING } = await import('../../engine/fuse-native/limits.js');
    process.stderr.write(`plyfs mount: ${WARNING}\n`);
  }
  if (config.mounts.length === 0) return;
  const { collectNotices } = await import('../../mounts/spec/plan.js');
  for (const notice of collectNotices(config.mounts.map((mount) => mount.request))) {
    process.stderr.write(`plyfs mount: ${notice}\n`);
  }
}

async function serveHere(config: MountConfig): Promise<void> {
  const { newOrder } = await import('../../daemon/launch.js');
  const { leave, serve } = await import('../../daemon/serve.js');
  const { order } = newOrder(config);
  process.chdir('/');
  process.umask(0);
  const outcome = await serve(order, {
    log: (line) => process.stderr.write(`plyfs mount: ${line}\n`),
    onMounted: () => undefined,
  });
  if (outcome.error) fail('mount', outcome.error, config.debug);
  leave(outcome);
}
