/**
 * `containerd/ID/snapshot.json`, and what lies beside it: `fs/`, the changes over the parent in overlayfs's form; `work/` and `merged/`
 * of one that is not committed.
 */

import { writeFileSync } from 'node:fs';
import { writeJson } from '../../store/atomic-file.js';
import { readRecord, type Shape } from '../../store/read-record.js';

export type SnapshotKind = 'active' | 'view' | 'committed';

export interface SnapshotUsage {
  readonly bytes: number;
  readonly inodes: number;
}

export interface ContainerdSnapshot {
  readonly id: string;
  /** containerd's: a key while it is active, a name when it is committed; unique among both. */
  readonly name: string;
  /** Name of a committed snapshot; empty: none. */
  readonly parent: string;
  readonly kind: SnapshotKind;
  readonly labels: Readonly<Record<string, string>>;
  /** RFC 3339, UTC. */
  readonly createdAt: string;
  readonly updatedAt: string;
  /** What a committed one takes. */
  readonly usage?: SnapshotUsage;
}

const SHAPE: Shape = {
  fields: {
    id: 'text',
    name: 'text',
    parent: 'text',
    kind: 'text',
    labels: { mapOf: 'text' },
    createdAt: 'text',
    updatedAt: 'text',
    'usage?': { fields: { bytes: 'number', inodes: 'number' } },
  },
};

const RECORD_FILE = 'snapshot.json';

/** @returns undefined when there is none. @throws UserError when it is broken. */
export function readSnapshot(directory: string): ContainerdSnapshot | undefined {
  return readRecord(`${directory}/${RECORD_FILE}`, SHAPE);
}

/** The record of one whose directory has no name yet, and so no reader; its content is on disk on return. */
export function writeFirstRecord(directory: string, record: ContainerdSnapshot): void {
  const text = `${JSON.stringify(record, null, 2)}\n`;
  writeFileSync(`${directory}/${RECORD_FILE}`, text, { mode: 0o600, flush: true });
}

/** On disk on return, whole. */
export function writeSnapshot(directory: string, record: ContainerdSnapshot): void {
  writeJson(`${directory}/${RECORD_FILE}`, record, 0o600);
}
