/**
 * Where two file systems may answer differently, each with its reason.
 *
 * `same`: only the answer differs. `close`: the descriptor of the step is closed on both sides, since what it holds
 * differs from there on and no name leads to it. This is the one table: a difference that is not here is a failure.
 */

import { dirname } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import type { TreeNode } from '../helpers/operations/tree-operations.js';
import { type Fs, OperationError } from '../helpers/operator-client.js';
import { O_RDONLY } from '../helpers/test-constants.js';
import { type Actor, normalTime } from './kind.js';
import { withFile } from './kinds/content-kinds.js';
import type { PlanName } from './layer-plan.js';
import type { Operation, Outcome, Step, StepName } from './steps.js';

/** One difference in the answers to a step. */
interface Answers {
  readonly step: Operation;
  readonly overlayfs: Outcome;
  /** The outcome of the side that is not kernel overlayfs. */
  readonly other: Outcome;
  /** The steps before. */
  readonly earlier: readonly Step[];
}

export interface AllowedDifference {
  readonly reason: string;
  readonly effect: 'same' | 'close';
  /** Only in runs of these forms; in all when absent. */
  readonly forms?: readonly PlanName[];
  matchesAnswers?(answers: Answers): boolean;
  matchesNodes?(overlayfs: TreeNode, other: TreeNode): boolean;
  /** Where the answers agree and what they leave behind may not: makes it the same on each side. */
  levels?(actor: Actor, step: Operation, outcome: Outcome, earlier: readonly Step[]): Promise<void>;
}

export function codeOf(outcome: Outcome): string {
  return 'code' in outcome ? outcome.code : 'ok';
}

/** For plyfs, and for a plain directory, against kernel overlayfs with redirect_dir and index. */
const allowedAgainstOverlayfs: readonly AllowedDifference[] = [
  {
    reason:
      'a removed file of a layer that is still open has no links, as on ext4; overlayfs keeps the count of the layer',
    effect: 'same',
    matchesAnswers: ({ step, overlayfs, other }) =>
      step.step === 'slotStat' && differOnlyIn('nlink', overlayfs, other) && resultOf(other)?.nlink === 0,
  },
  {
    reason:
      'overlayfs refuses to copy up a file of a layer that is open and has no name any more, or no directory either',
    effect: 'close',
    matchesAnswers: ({ step, overlayfs, other }) =>
      CHANGES_METADATA.has(step.step) &&
      (codeOf(overlayfs) === 'EEXIST' || (codeOf(overlayfs) === 'ENOENT' && codeOf(other) === 'ok')),
  },
  {
    reason: 'overlayfs refuses to remove an ACL that a file of a layer does not have; ext4 does not',
    effect: 'same',
    matchesAnswers: ({ step, overlayfs, other }) =>
      step.step === 'removeAcl' && codeOf(overlayfs) === 'ENODATA' && codeOf(other) === 'ok',
  },
  {
    reason:
      'overlayfs drops setgid when the access ACL is removed by who is not in the group (inode.c:ovl_set_acl()); ext4 only when one is set',
    effect: 'same',
    levels: async ({ fs }, step, outcome) => {
      if (step.step !== 'removeAcl' || step.user !== true || step.which !== 'access') return;
      if (!['ok', 'ENODATA'].includes(codeOf(outcome))) return;
      const { mode } = await fs.stat(step.path);
      await fs.chmod(step.path, mode & 0o5777);
    },
  },
  {
    reason:
      'a directory of a layer that is open and was removed has no place to be copied up to on overlayfs (ENOTDIR, EIO, or ENOTEMPTY where its name is in use again); here it needs none',
    effect: 'close',
    matchesAnswers: ({ step, overlayfs, other }) =>
      step.step === 'directoryChmod' &&
      ['ENOTDIR', 'EIO', 'ENOTEMPTY'].includes(codeOf(overlayfs)) &&
      ['ENOENT', 'ok'].includes(codeOf(other)),
  },
  {
    reason:
      'overlayfs lists a number of a copied-up symlink that stat does not give; here the two are the same',
    effect: 'same',
    matchesAnswers: ({ overlayfs, other }) =>
      differOnlyIn('strange', overlayfs, other) && isDeepStrictEqual(resultOf(other)?.strange, []),
  },
  {
    reason:
      'over a directory that is not empty overlayfs refuses a path too long for a redirect first; ext4 knows the emptiness alone',
    effect: 'same',
    matchesAnswers: ({ step, overlayfs, other }) =>
      step.step === 'rename' && codeOf(overlayfs) === 'EXDEV' && codeOf(other) === 'ENOTEMPTY',
  },
  {
    reason:
      'a rename that overlayfs refuses late moves the times of the parents: it has put an empty directory in the place of the target, or ext4 a whiteout in that of the source, and takes it back',
    effect: 'same',
    levels: async ({ fs, slots }, step, outcome) => {
      if (codeOf(outcome) !== 'ENOTEMPTY' && codeOf(outcome) !== 'EXDEV') return;
      if (step.step === 'rename') for (const at of [step.path, step.to]) await touchParent(fs, at);
      const fd = step.step === 'directoryRename' ? slots.get(step.slot) : undefined;
      if (fd !== undefined) await fs.utimens({ fd }, 'omit', 'now');
      if (step.step === 'directoryRename') await touchParent(fs, step.path);
    },
  },
];

/** Only for a plain directory, which shows that the steps are right. */
export const allowedForPlain: readonly AllowedDifference[] = [...allowedAgainstOverlayfs];

/** Only for plyfs, whose opened files the kernel reads itself (passthrough). */
export const allowedForPlyfs: readonly AllowedDifference[] = [
  ...allowedAgainstOverlayfs,
  {
    reason:
      'with passthrough=all a descriptor opened read-only before copy-up keeps the data of the layer, and the size with it (design)',
    effect: 'same',
    forms: ['passthrough'],
    matchesAnswers: ({ step, overlayfs, other, earlier }) =>
      (step.step === 'slotRead' ||
        step.step === 'slotSeek' ||
        (step.step === 'slotStat' && differOnlyIn('size', overlayfs, other))) &&
      accessOf(step.slot, earlier) === 'r' &&
      earlier.some((one) => CHANGES_DATA.has(one.step)),
  },
  {
    reason: 'with passthrough=all a range copied from such a descriptor is of the data of the layer',
    effect: 'same',
    forms: ['passthrough'],
    matchesAnswers: ({ step, overlayfs, other, earlier }) =>
      codeOf(overlayfs) === 'ok' && codeOf(other) === 'ok' && copiesFromReader(step, earlier),
    levels: async ({ fs, slots }, step, outcome, earlier) => {
      if (codeOf(outcome) !== 'ok' || !copiesFromReader(step, earlier)) return;
      const fd = step.step === 'slotCopyRange' ? slots.get(step.to) : undefined;
      if (fd !== undefined) await fs.ftruncate(fd, 0);
    },
  },
  {
    reason:
      'the kernel keeps what a symlink says, and moves no access time by itself: a path that leads through the link itself (d/d, where d says .) does so once, and not again after utimensat(2) (docs/guide/limits.md)',
    effect: 'same',
    matchesAnswers: ({ step, overlayfs, other }) =>
      step.step === 'utimens' &&
      'result' in overlayfs &&
      'result' in other &&
      overlayfs.result === 'now' &&
      other.result === step.atime,
  },
  {
    reason:
      'a chown(2) that keeps both ids, by who may not change the mode, of a file that is open for writing: it looks like what comes before the fallocate of a writer, and changes nothing (src/engine/operations/bare-chown.ts)',
    effect: 'same',
    matchesAnswers: ({ step, overlayfs, other, earlier }) =>
      (step.step === 'chown' || step.step === 'chownFollowing') &&
      step.uid === -1 &&
      (step.step === 'chownFollowing' || step.gid === -1) &&
      codeOf(overlayfs) === 'EPERM' &&
      codeOf(other) === 'ok' &&
      earlier.some((one) => one.step === 'open' && one.access !== 'r'),
  },
  {
    reason:
      'with passthrough=all a range copied onto itself within a file of a layer: EINVAL, but the kernel, to which the two descriptors are of two files (design), has dropped capabilities and setuid before it asks',
    effect: 'same',
    forms: ['passthrough'],
    levels: async ({ fs, slots }, step, outcome) => {
      if (codeOf(outcome) !== 'EINVAL') return;
      if (step.step === 'copyRange') await withFile(fs, step.to, O_RDONLY, (fd) => dropPrivileges(fs, fd));
      const fd = step.step === 'slotCopyRange' ? slots.get(step.to) : undefined;
      if (fd !== undefined) await dropPrivileges(fs, fd);
    },
  },
  {
    reason:
      'overlayfs with userxattr has an inode for each name of a copied-up special file, and does not see in one an owner set by another, who decides about O_CREAT in a sticky directory (namei.c:may_create_in_sticky())',
    effect: 'same',
    forms: ['user'],
    matchesAnswers: ({ step, overlayfs, other, earlier }) =>
      step.step === 'create' &&
      codeOf(overlayfs) === 'EACCES' &&
      codeOf(other) === 'ok' &&
      earlier.some((one) => one.step === 'link' || one.step === 'slotLink'),
  },
  {
    reason:
      'overlayfs with userxattr gives the names of one copied-up symlink or special file different inode numbers',
    effect: 'same',
    forms: ['user'],
    matchesNodes: (overlayfs, other) =>
      overlayfs.type !== 'file' &&
      overlayfs.linkedTo !== other.linkedTo &&
      isDeepStrictEqual(withoutLink(overlayfs), withoutLink(other)),
  },
  {
    reason:
      'overlayfs with metacopy moves the time of a file when it copies the data later; with it off, times are compared',
    effect: 'same',
    forms: ['shared'],
    matchesAnswers: ({ step, overlayfs, other }) =>
      (step.step === 'stat' || step.step === 'statFollowing' || step.step === 'slotStat') &&
      differOnlyIn('mtime', overlayfs, other) &&
      isMovedTime(String(resultOf(overlayfs)?.mtime), String(resultOf(other)?.mtime)),
    matchesNodes: (overlayfs, other) =>
      overlayfs.type === 'file' &&
      JSON.stringify(withoutTime(overlayfs)) === JSON.stringify(withoutTime(other)) &&
      isMovedTime(normalTime(overlayfs.mtimeNs), normalTime(other.mtimeNs)),
  },
];

const CHANGES_METADATA: ReadonlySet<StepName> = new Set([
  'slotChmod',
  'slotChown',
  'slotUtimens',
  'slotSetxattr',
]);

const CHANGES_DATA: ReadonlySet<Step['step']> = new Set<StepName>([
  'create',
  'openOnly',
  'write',
  'append',
  'truncate',
  'openTruncate',
  'directWrite',
  'mapWrite',
  'fallocate',
  'copyRange',
  'slotWrite',
  'slotTruncate',
  'slotFallocate',
  'slotMapWrite',
  'slotCopyRange',
  'directoryFile',
]);

/** How the slot was opened last. */
function accessOf(slot: number, earlier: readonly Step[]): string | undefined {
  const opened = earlier.findLast((one) => one.step === 'open' && one.slot === slot);
  return opened?.step === 'open' ? opened.access : undefined;
}

function resultOf(outcome: Outcome): Readonly<Record<string, unknown>> | undefined {
  if (!('result' in outcome) || typeof outcome.result !== 'object') return undefined;
  return outcome.result as Record<string, unknown>;
}

function differOnlyIn(key: string, overlayfs: Outcome, other: Outcome): boolean {
  const [mine, theirs] = [resultOf(overlayfs), resultOf(other)];
  if (mine === undefined || theirs === undefined) return false;
  return JSON.stringify({ ...mine, [key]: 0 }) === JSON.stringify({ ...theirs, [key]: 0 });
}

/** Once on either side: in the runs concerned each goes on with what the other wrote. */
function isMovedTime(one: string, other: string): boolean {
  return (one === 'now') !== (other === 'now');
}

/** Data that passes a fifo moves its time on ext4 and not on overlayfs. */
function withoutLink(node: TreeNode): unknown {
  const mtime = node.type === 'fifo' ? undefined : normalTime(node.mtimeNs);
  return { ...node, mtimeNs: mtime, linkedTo: undefined };
}

function withoutTime(node: TreeNode): unknown {
  return { ...node, mtimeNs: 0 };
}

/** From a descriptor open for reading alone, when data of some file has changed since. */
function copiesFromReader(step: Operation, earlier: readonly Step[]): boolean {
  return (
    step.step === 'slotCopyRange' &&
    accessOf(step.slot, earlier) === 'r' &&
    earlier.some((one) => CHANGES_DATA.has(one.step))
  );
}

async function dropPrivileges(fs: Fs, fd: number): Promise<void> {
  try {
    await fs.removexattr({ fd }, 'security.capability');
  } catch (error) {
    if (!(error instanceof OperationError && error.code === 'ENODATA')) throw error;
  }
  const { mode } = await fs.fstat(fd);
  await fs.fchmod(fd, mode & 0o1777);
}

function touchParent(fs: Fs, path: string): Promise<void> {
  // The dot follows a symlink.
  return fs.utimens(`${dirname(path)}/.`, 'omit', 'now');
}
