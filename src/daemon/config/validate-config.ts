/**
 * What must hold before a mount is attempted; each violation is one UserError, and nothing was changed but that a
 * missing work directory was made.
 *
 * Where kernel overlayfs (fs/overlayfs/super.c v6.18) has a rule, it is the rule here. Two are stricter. An upper inside
 * a layer and a mount point inside a layer, upper or work directory are refused: our caches count on layers that
 * nobody changes, and a server whose backing path leads into its own mount waits for itself. A mount point that equals
 * a layer or upper is fine: directories are opened before the mount hides them. Live layers are cached for a moment only, and who
 * mounts over them sees to it that no path of theirs leads into the mount (draft/mount/mount-areas.ts).
 */

import { accessSync, constants, lstatSync, mkdirSync, rmSync, type Stats } from 'node:fs';
import { FS_TYPE, readMountinfo, topMountAt } from '../../engine/kernel/attach-mountinfo.js';
import { reasonOf } from '../../errno/reason.js';
import type { Name } from '../../vfs/name.js';
import type { MountConfig } from './mount-config.js';
import { contains, quote, refusal, statIfPresent } from './refusal.js';
import { checkStack } from './validate-stack.js';
import { checkXattrs } from './validate-xattr.js';

/** Linux: fs/overlayfs/params.h:OVL_MAX_STACK. */
export const MAX_STACK_LAYERS = 500;

const ARCHIVE = /\.(?:tar|tar\.(?:gz|zst|xz|bz2)|tgz)$/i;

/**
 * Checks all, and makes the work directory where only that is missing: the result says whether it did, so that the
 * caller can take it away again when the mount fails later.
 * @throws UserError for the first thing that is wrong, most basic first.
 */
export function validateConfig(config: MountConfig): { readonly madeWork: boolean } {
  checkMountpoint(config);
  checkLayers(config);
  const mustMakeWork = checkUpper(config);
  checkOverlaps(config);
  checkNumbers(config);
  checkDevice(config);
  if (mustMakeWork) makeWork(config);
  try {
    checkXattrs(config);
    checkStack(config);
  } catch (error) {
    if (mustMakeWork) removeWork(config);
    throw error;
  }
  return { madeWork: mustMakeWork };
}

/** Takes a work directory away that this start has made: what is in it is the scratch of a mount that never was. */
export function removeWork(config: MountConfig): void {
  if (config.work !== undefined) rmSync(Buffer.from(config.work, 'latin1'), { recursive: true, force: true });
}

function checkMountpoint(config: MountConfig): void {
  const { mountpoint } = config;
  // Asked before stat(2), which would hang at the mount of a daemon that hangs.
  const top = topMountAt(readMountinfo(), mountpoint);
  if (top && (top.type === FS_TYPE || top.type === 'fuse' || top.type.startsWith('fuse.'))) {
    const what = top.type === FS_TYPE ? 'a plyfs mount' : `a mount of type ${top.type}`;
    const hint = top.type === FS_TYPE ? `plyfs umount ${quote(mountpoint)}` : `umount ${quote(mountpoint)}`;
    throw refusal(config, `it is ${what} already`, `to replace it: ${hint}`);
  }
  const stat = statIfPresent(mountpoint);
  if (!stat) throw refusal(config, 'no such directory', `mkdir -p ${quote(mountpoint)}`);
  if (!stat.isDirectory()) throw refusal(config, 'not a directory');
}

function checkLayers(config: MountConfig): void {
  const { layers } = config;
  if (layers.length === 0 && config.upper === undefined) {
    throw refusal(
      config,
      'no layer and no upper is given',
      'add -l DIR or --upper DIR, in /etc/fstab lowerdir=DIR',
    );
  }
  if (layers.length > MAX_STACK_LAYERS) {
    throw refusal(config, `${layers.length} layers are given, ${MAX_STACK_LAYERS} are the limit`);
  }
  for (const layer of [...layers, ...(config.dataLayers ?? [])]) {
    const stat = statIfPresent(layer);
    if (!stat) throw refusal(config, `layer ${quote(layer)}: no such directory`);
    if (stat.isDirectory()) {
      checkAccess(config, 'layer', layer, constants.R_OK | constants.X_OK);
    } else if (ARCHIVE.test(layer)) {
      throw refusal(
        config,
        `layer ${quote(layer)}: not a directory`,
        'a layer tar is given with -l, which unpacks it',
      );
    } else {
      throw refusal(config, `layer ${quote(layer)}: not a directory`);
    }
  }
}

/** Whether a work directory has to be made. */
function checkUpper(config: MountConfig): boolean {
  const { upper, work } = config;
  if (upper === undefined) {
    if (work !== undefined)
      throw refusal(config, `work ${quote(work)} is given without an upper`, 'add --upper DIR');
    return false;
  }
  if (work === undefined) throw refusal(config, `upper ${quote(upper)} has no work directory`);
  const upperStat = directoryOf(config, 'upper', upper);
  if (contains(upper, work) || contains(work, upper)) {
    throw refusal(config, `upper ${quote(upper)} and work ${quote(work)} must be separate trees`);
  }
  checkAccess(config, 'upper', upper, constants.R_OK | constants.W_OK | constants.X_OK);
  // Looked at before it is made: one on another file system is refused and not left behind.
  const existing = statIfPresent(work);
  if (existing && !existing.isDirectory()) throw refusal(config, `work ${quote(work)}: not a directory`);
  const home = existing ?? statIfPresent(work.slice(0, work.lastIndexOf('/')) || '/');
  if (!home) throw refusal(config, `work ${quote(work)}: no such directory`, `mkdir -p ${quote(work)}`);
  if (home.dev !== upperStat.dev) {
    throw refusal(
      config,
      `work ${quote(work)} and upper ${quote(upper)} are on different file systems`,
      'choose a work directory beside upper',
    );
  }
  if (existing) checkAccess(config, 'work', work, constants.R_OK | constants.W_OK | constants.X_OK);
  return !existing;
}

function makeWork(config: MountConfig): void {
  const work = config.work ?? '';
  try {
    mkdirSync(Buffer.from(work, 'latin1'), { mode: 0o700 });
  } catch (error) {
    throw refusal(
      config,
      `work ${quote(work)} cannot be made: ${reasonOf(error)}`,
      'choose another with --work DIR',
    );
  }
}

function checkOverlaps(config: MountConfig): void {
  const { upper, work, mountpoint } = config;
  const layers = [...config.layers, ...(config.dataLayers ?? [])];
  layers.forEach((layer, index) => {
    const twin = layers.findIndex((other, at) => at !== index && contains(other, layer));
    if (twin === -1) return;
    const other = layers[twin] ?? '';
    if (other === layer) throw refusal(config, `layer ${quote(layer)} is given twice`);
    throw refusal(config, `layer ${quote(layer)} lies inside layer ${quote(other)}`);
  });
  const writable: [role: string, path: Name | undefined][] = [
    ['upper', upper],
    ['work', work],
  ];
  for (const [role, path] of writable) {
    if (path === undefined) continue;
    for (const layer of layers) {
      if (layer === path) throw refusal(config, `${role} ${quote(path)} is a layer too`);
      if (contains(layer, path) && config.liveLayers !== true)
        throw refusal(config, `${role} ${quote(path)} lies inside layer ${quote(layer)}`);
      if (contains(path, layer))
        throw refusal(config, `layer ${quote(layer)} lies inside ${role} ${quote(path)}`);
    }
  }
  const hidden = config.liveLayers === true ? [] : layers;
  for (const [role, path] of [...writable, ...hidden.map((layer): [string, Name] => ['layer', layer])]) {
    if (path === undefined || (path === mountpoint && role !== 'work')) continue;
    if (contains(path, mountpoint)) throw refusal(config, `it lies inside ${role} ${quote(path)}`);
  }
}

/** With `xino=off` numbers are those of the disk; of several disks overlayfs tells them apart by st_dev, of which a FUSE mount has one. */
function checkNumbers(config: MountConfig): void {
  if (config.unionOptions.xino !== 'off') return;
  const all = [
    ...config.layers,
    ...(config.dataLayers ?? []),
    ...(config.upper === undefined ? [] : [config.upper]),
  ];
  if (new Set(all.map((path) => statIfPresent(path)?.dev)).size <= 1) return;
  throw refusal(config, "'xino=off' cannot be had over layers of several file systems", 'leave it out');
}

/** fusermount3 opens it as the user who calls (3.14), so the user's own permission counts in both ways to mount. */
function checkDevice(config: MountConfig): void {
  const hint = "'plyfs doctor' says what this host lacks";
  let stat: Stats | undefined;
  try {
    stat = lstatSync('/dev/fuse');
    accessSync('/dev/fuse', constants.R_OK | constants.W_OK);
  } catch (error) {
    throw refusal(config, `cannot open '/dev/fuse': ${reasonOf(error)}`, hint);
  }
  if (!stat.isCharacterDevice()) throw refusal(config, "'/dev/fuse' is not a device", hint);
}

function checkAccess(config: MountConfig, role: string, path: Name, mode: number): void {
  try {
    accessSync(Buffer.from(path, 'latin1'), mode);
  } catch (error) {
    const options = (mode & constants.W_OK) === 0 ? 'read' : 'write';
    throw refusal(config, `${role} ${quote(path)}: no permission to ${options}: ${reasonOf(error)}`);
  }
}

function directoryOf(config: MountConfig, role: string, path: Name): Stats {
  const stat = statIfPresent(path);
  if (!stat) throw refusal(config, `${role} ${quote(path)}: no such directory`, `mkdir -p ${quote(path)}`);
  if (!stat.isDirectory()) throw refusal(config, `${role} ${quote(path)}: not a directory`);
  return stat;
}
