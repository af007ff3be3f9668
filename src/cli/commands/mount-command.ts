/**
 * `plyfs mount`: one union mount, served by a daemon that lives on, or by this process with `-f`.
 */

import { statSync } from 'node:fs';
import { resolve } from 'node:path';
import { Command, Option } from 'commander';
import type { MountOptions } from '../../daemon/config/build-config.js';
import type { EngineName, MountConfig } from '../../daemon/config/mount-config.js';
import { UserError } from '../../errno/user-error.js';
import { makeDirectories } from '../../linux/files/make-directories.js';
import { addMountOptions, collectValues, DEBUG_FLAG, DEBUG_TEXT } from '../frame/common-options.js';
import { fail, say } from '../print/output.js';

const DETAILS = `
Layers are read-only directories; names of a later -l hide those of an earlier one. Changes go to the upper directory,
in the form that kernel overlayfs uses. Without --upper the mount is read-only. The mount points of -v, --mount and
--tmpfs need not exist.

SRC of -l is a path when there is one of that name or when it begins with '/', './' or '../'; else it is the name or id
of an image. A tar (plain, gzip, zstd) is unpacked into the store once, and stays there until 'plyfs image prune'.

-o takes what 'mount -t overlay' takes: lowerdir=TOP:...:BOTTOM (and '::DATA' for layers of data alone; or lowerdir+=,
datadir+=), upperdir=, workdir=, metacopy=, redirect_dir=, index=, userxattr, volatile, ro, and allow_other, nosuid, nodev,
noexec, noatime, relatime, strictatime, fsname=; and of its own:
  passthrough=programs   the default (also: coherent): files of layers that are open follow what is written to them later
                         ('tail -f' of a log, maps, locks, inotify). They are read through the daemon until they lie in
                         upper; program code (ELF) is read by the kernel itself.
  passthrough=all        the kernel reads all files of layers itself, and mounts share one copy of them in memory; who has
                         one open does not see its first change.
  awake=off              lets the CPUs sleep between requests that come close together. By default they are kept awake for as
                         long as they do: by /dev/cpu_dma_latency (root, up to 4 CPUs, which then poll instead of halting), else
                         (awake=process: always) one by a process of idle priority. It costs their power and saves wake-ups.
                         PLYFS_AWAKE=off or =process does the same for all mounts.
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
  const command = new Command('mount')
    .description('mount layers, an upper and other mounts as one tree')
    .argument('<mountpoint>', 'an existing directory')
    .allowExcessArguments()
    .option(
      '-l, --layer <src>',
      'a directory, a layer tar or an image, bottom first (repeatable)',
      collectValues,
    )
    .option('--upper <dir>', 'the directory that takes all changes')
    .option('--work <dir>', 'scratch directory on the file system of upper (default: UPPER.work)')
    .option(
      '-o, --option <options>',
      'what follows -o of mount -t overlay, and more: see below (repeatable)',
      collectValues,
    );
  return addMountOptions(command)
    .option(
      '--read-only',
      'no changes to the layers and upper; -v, --mount and --tmpfs can still be written to, unless :ro',
    )
    .addOption(
      new Option('--engine <name>', 'who speaks FUSE').choices(['kernel', 'fuse-native']).default('kernel'),
    )
    .option('-f, --foreground', 'serve from this process, log on standard error')
    .option(
      '--root <dir>',
      'where volumes and images are kept (default: PLYFS_ROOT, else /var/lib/plyfs or ~/.local/share/plyfs)',
    )
    .option(DEBUG_FLAG, DEBUG_TEXT)
    .addHelpText('after', DETAILS)
    .action((mountpoint: string, flags: MountFlags, command: Command) => {
      if (command.args.length > 1) refuseMore(command);
      return runMount(mountpoint, flags);
    });
}

/** Refuses a second word with a hint: users of mount(8) write the layer before the mount point. */
function refuseMore(command: Command): void {
  const { args } = command;
  if (command.opts<MountFlags>().layer !== undefined)
    command.error(`too many arguments: there is one mount point, and not '${args.join(' ')}'`);
  const layers = args.slice(0, -1).map((layer) => `-l ${layer}`);
  command.error(
    `too many arguments: '${args.join(' ')}'\n(Did you mean plyfs mount ${layers.join(' ')} ${args.at(-1)}?)`,
  );
}

async function runMount(mountpoint: string, flags: MountFlags): Promise<void> {
  const debug = flags.debug === true;
  try {
    if (flags.foreground) {
      const { limitThisProcess } = await import('../../daemon/client/limit-this-process.js');
      limitThisProcess();
    }
    const { buildConfig } = await import('../../daemon/config/build-config.js');
    const { withUpperLayers } = await import('../../daemon/config/upper-layers.js');
    makeMountPoint(mountpoint, flags.option ?? []);
    const planned = buildConfig(optionsOf(mountpoint, { ...flags, layer: await layersOf(flags) }));
    const config = await withUpperLayers(planned);
    await printNotices(config);
    const warning = await stackWarning(config);
    const warn = (): void => {
      if (warning !== undefined) say(`plyfs mount: ${warning}`);
    };
    if (flags.foreground) {
      warn();
      const { serveHere } = await import('../frame/serve-here.js');
      return await serveHere(config, 'plyfs mount');
    }
    const { launchDaemon } = await import('../../daemon/client/launch.js');
    await launchDaemon(config);
    // Of a mount that is refused only the reason is told.
    warn();
  } catch (error) {
    fail('mount', error, { debug });
  }
}

/** `-o X-mount.mkdir[=MODE]`, as mount(8) does it before it calls a helper. */
function makeMountPoint(mountpoint: string, options: readonly string[]): void {
  const asked = /(?:^|,)[Xx]-mount\.mkdir(?:=([^,]*))?(?:,|$)/.exec(options.join(','));
  if (asked === null) return;
  const mode = asked[1] ?? '755';
  if (!/^[0-7]{1,5}$/.test(mode))
    throw new UserError(`invalid mount option 'X-mount.mkdir=${mode}': the mode must be octal`);
  makeDirectories(mountpoint, Number.parseInt(mode, 8));
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
  const { resolveLayers } = await import('../../image/add/layer-sources.js');
  return resolveLayers(new Store(root === undefined ? undefined : resolve(root)), layer, process.cwd());
}

function optionsOf(mountpoint: string, flags: MountFlags): MountOptions {
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
    const { WARNING } = await import('../../engine/fuse-native/native-limits.js');
    say(`plyfs mount: ${WARNING}`);
  }
  if (config.mounts.length === 0) return;
  const { collectNotices } = await import('../../mounts/request/plan.js');
  for (const notice of collectNotices(config.mounts.map((mount) => mount.request))) {
    say(`plyfs mount: ${notice}`);
  }
}

/** Found before the mount, which records what upper is mounted over. */
async function stackWarning(config: MountConfig): Promise<string | undefined> {
  if (config.upper === undefined) return undefined;
  const { stackNotice } = await import('../../daemon/config/validate-stack.js');
  return stackNotice(config);
}
