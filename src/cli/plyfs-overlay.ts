#!/usr/bin/env node

/**
 * Entry of `plyfs-overlay`: a union mount with the command line of fuse-overlayfs, for `mount_program` of
 * containers/storage (Buildah, Podman, CRI-O). docs/guide/podman-and-buildah.md says how.
 *
 * What it writes others read: no metacopy, no redirect, no index; whiteouts and opaque directories in overlayfs's form, which
 * fuse-overlayfs and containers/storage read too. Options that are not known are ignored with a line, as there.
 */

import {
  neighbourlyOptions,
  type OverlayArguments,
  readOverlayArguments,
} from './overlay/overlay-arguments.js';
import { errorLine, say } from './print/output.js';

const HELP = `usage: plyfs-overlay [options] <mountpoint>

    -h   --help            print help
    -V   --version         print version
    -d   --debug, -o debug log each request (implies -f)
    -f                     foreground operation
    -s                     taken, and means nothing here
    -o OPTIONS             lowerdir=TOP:...:BOTTOM, upperdir=, workdir=, and the options of fuse-overlayfs(1)

The same as fuse-overlayfs, for mount_program in storage.conf(5). Mounts end with umount, fusermount3 -u or plyfs umount.
`;

let debug = false;
try {
  const given = readOverlayArguments(process.argv.slice(2));
  debug = given.debug;
  if (given.wants === 'help') process.stdout.write(HELP);
  else if (given.wants === 'version') {
    const { version } = await import('../daemon/config/plyfs-version.js');
    process.stdout.write(`plyfs-overlay: version ${version()}\nfuse-overlayfs: the command line of 1.10\n`);
  } else await mount(given);
} catch (error) {
  process.stderr.write(errorLine('', error, { debug }).replace(/^plyfs : /, 'plyfs-overlay: '));
  process.exitCode = 1;
}

async function mount({ mountpoint, options, foreground }: OverlayArguments): Promise<void> {
  const { buildConfig } = await import('../daemon/config/build-config.js');
  const { withUpperLayers } = await import('../daemon/config/upper-layers.js');
  const planned = buildConfig({
    mountpoint,
    options: neighbourlyOptions(options),
    onUnknownOption: (option) => say(`unknown argument ignored: ${option}`),
    debug,
  });
  const config = await withUpperLayers(planned);
  if (foreground) {
    const { serveHere } = await import('./frame/serve-here.js');
    return await serveHere(config, 'plyfs-overlay');
  }
  const { launchDaemon } = await import('../daemon/client/launch.js');
  await launchDaemon(config);
}
