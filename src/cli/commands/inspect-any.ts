/**
 * `plyfs inspect`: all that is known of containers, images, volumes and mounts, as JSON.
 */

import { resolve } from 'node:path';
import { Command } from 'commander';
import { UserError } from '../../errno/user-error.js';
import { nameFromText } from '../../vfs/name.js';
import { addStoreOptions, attempt, openStore, type StoreFlags } from '../frame/store-command.js';
import {
  type Finder,
  findContainerRecord,
  findImageRecord,
  findVolumeRecord,
} from '../print/inspect-objects.js';
import { jsonText, printShown } from '../print/output.js';
import {
  INSPECT_FORMAT_FLAG,
  INSPECT_FORMAT_TEXT,
  type InspectedRecord,
  indentedJson,
  inspectEach,
  printInspected,
} from '../print/print-inspected.js';

const DETAILS = `
A name is the mount point of a mount, else that of a container, an image or a volume. --type says which is meant. The
records are those of 'plyfs container|image|volume inspect'; of a single mount the record alone is printed, without
brackets around it.

Of a mount, the daemon is asked; neither the mount nor its storage is touched. Of each mount on remote storage (a network or
FUSE file system) it says what that cannot do ('lacks'), and how many requests wait for it ('waiting').

Examples:
  plyfs inspect /mnt
  plyfs inspect web db
  plyfs inspect --type volume -f '{{.Mountpoint}}' data
  plyfs inspect --format '{{range .mounts}}{{.target}} {{end}}' /mnt
  plyfs inspect /mnt | jq '.mounts[] | {target, lacks, waiting}'`;

interface InspectFlags extends StoreFlags {
  readonly format?: string;
  readonly type?: string;
  readonly size?: boolean;
}

export function inspectCommand(): Command {
  const command = new Command('inspect')
    .description('say all that is known of containers, images, volumes and mounts, as JSON')
    .argument('<name...>', 'names, ids or mount points')
    .option(INSPECT_FORMAT_FLAG, INSPECT_FORMAT_TEXT)
    .option('--type <type>', 'container, image, volume or mount')
    .option('-s, --size', 'also how much a container has changed');
  return addStoreOptions(command)
    .addHelpText('after', DETAILS)
    .action((names: string[], flags: InspectFlags) =>
      attempt('inspect', flags, () => runInspect(names, flags)),
    );
}

const FINDERS: Readonly<Record<string, readonly Finder[]>> = {
  container: [findContainerRecord],
  image: [findImageRecord],
  volume: [findVolumeRecord],
  mount: [async (_, name) => mountRecord(name)],
};

async function runInspect(names: readonly string[], flags: InspectFlags): Promise<void> {
  const finders = flags.type === undefined ? [findAny] : FINDERS[flags.type];
  if (finders === undefined) {
    throw new UserError(`"${flags.type}" is not a valid value for --type`, {
      hint: `there are ${Object.keys(FINDERS).join(', ')}`,
    });
  }
  const [name = ''] = names;
  if (names.length === 1 && (flags.type === 'mount' || (flags.type === undefined && (await isMount(name))))) {
    const record = await mountRecord(name);
    if (flags.format === undefined || flags.format === '') printShown(indentedJson(record));
    else if (flags.format === 'json') printShown(jsonText(record));
    else printInspected([record], flags.format);
    return;
  }
  const kind = flags.type ?? 'object';
  await inspectEach(await openStore(flags), names, { command: 'inspect', kind, finders, flags });
}

const findAny: Finder = async (store, name, options) => {
  if (await isMount(name)) return mountRecord(name);
  for (const find of [findContainerRecord, findImageOrNothing, findVolumeRecord]) {
    const record = await find(store, name, options);
    if (record !== undefined) return record;
  }
  // Says what is wrong with it.
  return isPath(name) ? mountRecord(name) : undefined;
};

/** What cannot be the name of an image is none here. */
const findImageOrNothing: Finder = async (store, name, options) => {
  try {
    return await findImageRecord(store, name, options);
  } catch (error) {
    if (error instanceof UserError) return undefined;
    throw error;
  }
};

function isPath(name: string): boolean {
  return name.startsWith('/') || name.startsWith('.');
}

function absolutePath(name: string): string {
  return name.startsWith('/') ? name : `${resolve('.')}/${name}`;
}

/**
 * A bare word is a mount only where it is the mount point itself: otherwise each would be, inside of a mount. Docker's
 * names of containers may begin with a slash.
 */
async function isMount(name: string): Promise<boolean> {
  const { listRunStates, runRoot } = await import('../../daemon/run-directory/run-state.js');
  const { displayName } = await import('../../vfs/name.js');
  const path = resolve(name);
  return listRunStates(runRoot()).some(({ mountpoint }) => {
    const point = displayName(mountpoint);
    return point === path || (isPath(name) && path.startsWith(`${point}/`));
  });
}

async function mountRecord(name: string): Promise<InspectedRecord> {
  const { inspectMount } = await import('../../daemon/client/inspect-mount.js');
  return { ...(await inspectMount(nameFromText(absolutePath(name)))) };
}
