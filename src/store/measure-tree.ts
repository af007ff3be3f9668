/**
 * How much a tree holds, by walking it. What is mounted below is not touched, since its storage may hang; what vanishes
 * meanwhile does not count.
 */

import { lstatSync, readdirSync, realpathSync } from 'node:fs';
import { readMountinfo } from '../linux/mounts/mountinfo.js';
import { isMissing } from './atomic-file.js';

interface TreeSize {
  /** The length of all files; one with several names counts once. */
  readonly bytes: number;
  /** What all of it takes on disk. */
  readonly diskBytes: number;
  /** All but directories. */
  readonly files: number;
  /** How many files and directories there are; one file with several names counts once. */
  readonly inodes: number;
}

const BLOCK_BYTES = 512;

export function measureTree(root: string): TreeSize {
  const size = { bytes: 0, diskBytes: 0, files: 0, inodes: 0 };
  const seen = new Set<string>();
  const top = orGone(() => realpathSync.native(root, { encoding: 'buffer' }));
  const todo = top === undefined ? [] : [top];
  const foreign = mountPointsBelow(top);
  let device: number | undefined;
  for (let path = todo.pop(); path !== undefined; path = todo.pop()) {
    if (foreign.size > 0 && foreign.has(path.toString('latin1'))) continue;
    const stat = orGone(() => lstatSync(path as Buffer));
    if (stat === undefined) continue;
    device ??= stat.dev;
    if (stat.dev !== device) continue;
    const key = `${stat.dev}:${stat.ino}`;
    if (stat.isDirectory()) {
      for (const name of orGone(() => readdirSync(path as Buffer, { encoding: 'buffer' })) ?? []) {
        todo.push(Buffer.concat([path, Buffer.from('/'), name]));
      }
    } else {
      size.files++;
      if (stat.nlink > 1 && seen.has(key)) continue;
      if (stat.nlink > 1) seen.add(key);
      size.bytes += stat.size;
    }
    size.inodes++;
    size.diskBytes += stat.blocks * BLOCK_BYTES;
  }
  return size;
}

function mountPointsBelow(root: Buffer | undefined): ReadonlySet<string> {
  const prefix = `${root?.toString('latin1') ?? ''}/`;
  const points = readMountinfo().map(({ mountpoint }) => mountpoint);
  return new Set(points.filter((point) => point.startsWith(prefix)));
}

function orGone<T>(look: () => T): T | undefined {
  try {
    return look();
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw error;
  }
}
