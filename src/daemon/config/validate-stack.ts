/**
 * Whether upper was made over these layers, and the work directory for this upper: what is in them means something else
 * elsewhere. A metacopy finds other data or none, a hard link shows what another upper made of the file.
 *
 * As overlayfs: with `index=on` what does not match is refused (ESTALE), with `index=off` layers are not asked about.
 * Without a word about it other layers are told to the user, who may know what he does (an image unpacked anew, an upper
 * brought back from a backup); an index with something of another upper in it is refused always.
 */

import { AT_FDCWD, O_DIRECTORY, O_NOFOLLOW, O_RDONLY } from '../../linux/constants.js';
import { readEntries } from '../../linux/files/directory.js';
import { close, openat } from '../../linux/files/open.js';
import type { Association } from '../../union/form/association.js';
import { layerOfUpper, upperOfIndex } from '../../union/form/association.js';
import { keepsHandles } from '../../union/form/origin.js';
import { PrivateXattrs } from '../../union/form/overlay-xattrs.js';
import { INCOMPATIBLE, incompatibleFeature } from '../../union/form/volatile-mark.js';
import type { Name } from '../../vfs/name.js';
import type { MountConfig } from './mount-config.js';
import { quote, refusal } from './refusal.js';

const DIRECTORY = O_RDONLY | O_DIRECTORY | O_NOFOLLOW;

type Stack = Pick<MountConfig, 'layers' | 'upper' | 'work' | 'xattrNamespace' | 'unionOptions'>;

/** @throws UserError */
export function checkStack(config: MountConfig): void {
  const { upper, work, layers } = config;
  checkCompatible(config);
  // With `index=off` neither is used.
  if (upper === undefined || work === undefined || config.readOnly || config.unionOptions.index === 'off')
    return;
  const isStrict = config.unionOptions.index === 'on';
  if (isStrict && layersOf(config) === 'other') {
    throw refusal(
      config,
      `upper ${quote(upper)} was made over other layers than ${quote(layers.at(-1) ?? '')} (stale file handle, ESTALE)`,
      'mount it over those, or leave out -o index=on',
    );
  }
  const index = indexOf(config);
  if (index.belongsTo !== 'other' || (index.isEmpty && !isStrict)) return;
  throw refusal(
    config,
    `work ${quote(work)} belongs to another upper than ${quote(upper)} (stale file handle, ESTALE)`,
    `choose another with --work DIR; if that upper is no more: rm -r ${quote(`${work}/index`)}`,
  );
}

/** An earlier mount may have left word that upper is not to be used: see union/form/volatile-mark.ts. */
function checkCompatible(config: MountConfig): void {
  const { upper, work } = config;
  if (upper === undefined || work === undefined) return;
  const fd = openat(AT_FDCWD, `${work}/work`, DIRECTORY);
  if (fd < 0) return;
  const feature = incompatibleFeature(fd, { isVolatile: config.marksVolatile === true });
  close(fd);
  if (feature === undefined) return;
  const mark = `${work}/work/${INCOMPATIBLE}/${feature}`;
  if (feature !== 'volatile')
    throw refusal(
      config,
      `upper ${quote(upper)} is marked as not to be used by ${quote(mark)}`,
      'begin with a new upper and work',
    );
  throw refusal(
    config,
    `upper ${quote(upper)} was mounted with -o volatile, so that after a power cut what is in it may be a mixture of old and new`,
    `begin with a new upper and work; if the machine has not crashed since: sync -f ${quote(upper)} && rm -r ${quote(mark)}`,
  );
}

/** What to tell the user, who has not said what he thinks of it by `index=`. */
export function stackNotice(config: Stack): string | undefined {
  const { upper, layers, unionOptions } = config;
  if (upper === undefined || unionOptions.index !== undefined || layersOf(config) !== 'other')
    return undefined;
  const top = quote(layers.at(-1) ?? '');
  return (
    `warning: upper ${quote(upper)} was made over other layers than ${top}: what it changed in part (owners, modes, ` +
    'names of directories) may lack the rest; -o index=on refuses it, -o index=off does not ask'
  );
}

function layersOf({ upper, layers, xattrNamespace }: Stack): Association {
  const top = layers.at(-1);
  if (upper === undefined || top === undefined) return 'unknown';
  const found = withDirectories([upper, top], (upperFd, layerFd) =>
    keepsHandles(layerFd)
      ? layerOfUpper({ upper: upperFd, layer: layerFd }, new PrivateXattrs(xattrNamespace))
      : 'unknown',
  );
  return found ?? 'unknown';
}

function indexOf({ upper, work, xattrNamespace }: Stack): { belongsTo: Association; isEmpty: boolean } {
  const nothing = { belongsTo: 'unknown' as Association, isEmpty: true };
  if (upper === undefined || work === undefined) return nothing;
  return (
    withDirectories([upper, `${work}/index`], (upperFd, indexFd) => ({
      belongsTo: upperOfIndex({ index: indexFd, upper: upperFd }, new PrivateXattrs(xattrNamespace)),
      isEmpty: isEmpty(indexFd),
    })) ?? nothing
  );
}

/** @returns undefined where one of them is missing; what is wrong with it others say. */
function withDirectories<T>(
  [one, other]: readonly [Name, Name],
  look: (fd: number, otherFd: number) => T,
): T | undefined {
  const fd = openat(AT_FDCWD, one, DIRECTORY);
  const otherFd = openat(AT_FDCWD, other, DIRECTORY);
  try {
    return fd < 0 || otherFd < 0 ? undefined : look(fd, otherFd);
  } finally {
    if (fd >= 0) close(fd);
    if (otherFd >= 0) close(otherFd);
  }
}

function isEmpty(fd: number): boolean {
  let names = 0;
  readEntries(fd, () => names++);
  return names === 0;
}
