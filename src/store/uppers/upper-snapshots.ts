/**
 * Snapshots of an upper that a user has given by its path: they lie beside it, since an upper becomes a layer by a rename.
 *
 * UPPER.snapshots/   a small store: snapshots.json, layers/HEX/tree/, pending/, trash/, lock
 *
 * Whoever could write there would say what is renamed and removed as this user (pending/): it must be this user's own.
 *
 * INVARIANT: the layers that snapshots.json names belong between the mount's own and upper, whenever upper is mounted.
 */

import { lstatSync, type Stats } from 'node:fs';
import { join } from 'node:path';
import { hasCode } from '../../errno/error-code.js';
import { UserError } from '../../errno/user-error.js';
import type { Name } from '../../vfs/name.js';
import { textFromName } from '../../vfs/name.js';
import { isMissing, namesInFolder } from '../atomic-file.js';
import type { SnapshotRecord } from '../container-record.js';
import { readRecord, type Shape } from '../read-record.js';

export interface UpperSnapshots {
  /** The layers of the mount below them, bottom first, when the last snapshot was taken. */
  readonly base: readonly Name[];
  readonly work: Name;
  /** What upper lies on: names in `layers/`, bottom first. */
  readonly layers: readonly string[];
  /** Oldest first. */
  readonly snapshots: readonly SnapshotRecord[];
}

/** Its folders. */
export const SNAPSHOT_FOLDERS = ['layers', 'pending', 'trash'] as const;
export const SNAPSHOTS_FILE = 'snapshots.json';

const SHAPE: Shape = {
  fields: {
    base: { listOf: 'text' },
    work: 'text',
    layers: { listOf: 'text' },
    snapshots: {
      listOf: { fields: { name: 'text', createdAt: 'text', layers: { listOf: 'text' } } },
    },
  },
};

/** The root of the small store; text. @throws UserError where somebody else has laid it. */
export function snapshotsRoot(upper: Name): string {
  const root = `${textFromName(upper)}.snapshots`;
  const stat = statOf(root);
  if (stat === undefined) return root;
  const isOwn =
    stat.isDirectory() && stat.uid === process.geteuid?.() && (stat.mode & WRITABLE_BY_OTHERS) === 0;
  if (isOwn) return root;
  throw new UserError(`cannot use '${root}': it is no directory that you alone can write`, {
    hint: 'the snapshots of that upper belong there: move it away, or be its owner',
  });
}

/** Undefined where there is nothing, or nothing that this user gets at: what is wrong with upper itself others say. */
function statOf(path: string): Stats | undefined {
  try {
    return lstatSync(path);
  } catch (error) {
    if (isMissing(error) || hasCode(error, 'EACCES', 'ENOTCONN', 'ENAMETOOLONG', 'ELOOP')) return undefined;
    throw error;
  }
}

const WRITABLE_BY_OTHERS = 0o022;
const LAYER = /^[0-9a-f]{64}$/;

/** Undefined where none was ever taken. @throws UserError when it cannot be read. */
export function readUpperSnapshots(upper: Name): UpperSnapshots | undefined {
  if (!mayHaveSnapshots(upper)) return undefined;
  const path = join(snapshotsRoot(upper), SNAPSHOTS_FILE);
  const record = readRecord<UpperSnapshots>(path, SHAPE);
  const layers = [record?.layers ?? [], ...(record?.snapshots ?? []).map((one) => one.layers)].flat();
  if (layers.every((layer) => LAYER.test(layer))) return record;
  throw new UserError(`cannot read '${path}': it names what is no layer`);
}

/** Whether a snapshot was taken, or somebody has begun with one: only then there is more to be looked at. */
export function mayHaveSnapshots(upper: Name): boolean {
  const root = snapshotsRoot(upper);
  return statOf(root) !== undefined && namesInFolder(root).length > 0;
}

/** Directories, bottom first; text. */
export function ownLayerPaths(upper: Name, layers: readonly string[]): string[] {
  const root = snapshotsRoot(upper);
  return layers.map((layer) => join(root, 'layers', layer, 'tree'));
}
