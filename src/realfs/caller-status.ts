/**
 * What only the caller's /proc entry tells: supplementary groups and effective capabilities.
 *
 * It costs several syscalls, so an answer is kept for the next requests of the same thread, for a tenth of a second at
 * most: the kernel has checked each request with what the caller has now before it came here.
 * Linux: fs/proc/array.c v6.18.
 */

import { readFileSync, readlinkSync } from 'node:fs';
import { hasCode } from '../errno/error-code.js';
import type { Caller } from '../vfs/caller.js';

export interface CallerStatus {
  readonly groups: readonly number[];
  /** A bit for each effective capability (CAP_*). */
  readonly capabilities: bigint;
  /** The ids for which the capabilities count of a caller in another user namespace than ours. */
  readonly namespace: { readonly uids: readonly IdRange[]; readonly gids: readonly IdRange[] } | undefined;
}

/** Ids as this process sees them. */
interface IdRange {
  readonly first: number;
  readonly length: number;
}

/** The status of callers of whom nothing can be learned: the kernel itself, those of another pid namespace, those that ended. */
const UNKNOWN: CallerStatus = { groups: [], capabilities: 0n, namespace: undefined };

const KEPT_MS = 100;
const MOST_KEPT = 256;

interface Kept {
  readonly status: CallerStatus;
  readonly uid: number;
  readonly gid: number;
  readonly readAtMs: number;
}

export class CallerStatuses {
  readonly #kept = new Map<number, Kept>();

  of(caller: Caller): CallerStatus {
    if (caller.pid === 0) return UNKNOWN;
    const nowMs = performance.now();
    const kept = this.#kept.get(caller.pid);
    if (
      kept !== undefined &&
      kept.uid === caller.uid &&
      kept.gid === caller.gid &&
      nowMs - kept.readAtMs < KEPT_MS
    ) {
      return kept.status;
    }
    if (this.#kept.size >= MOST_KEPT) this.#kept.clear();
    const status = readCallerStatus(caller.pid);
    this.#kept.set(caller.pid, { status, uid: caller.uid, gid: caller.gid, readAtMs: nowMs });
    return status;
  }
}

/** Whether the caller belongs to the group. Linux: fs/attr.c:in_group_or_capable() v6.18. */
export function isInGroup(caller: Caller, gid: number): boolean {
  if (caller.gid === gid) return true;
  return caller.pid !== 0 && readCallerStatus(caller.pid).groups.includes(gid);
}

function readCallerStatus(pid: number): CallerStatus {
  const text = readProc(() => readFileSync(`/proc/${pid}/status`, 'latin1'));
  if (text === undefined) return UNKNOWN;
  const groups = (/^Groups:[ \t]*(.*)$/m.exec(text)?.[1] ?? '').split(/\s+/).filter(Boolean).map(Number);
  const capabilities = BigInt(`0x${/^CapEff:\s*([0-9a-f]+)$/m.exec(text)?.[1] ?? '0'}`);
  if (capabilities === 0n || userNamespaceOf(String(pid)) === userNamespaceOf('self'))
    return { groups, capabilities, namespace: undefined };
  return { groups, capabilities, namespace: { uids: idsOf(pid, 'uid_map'), gids: idsOf(pid, 'gid_map') } };
}

/** Whether capabilities of the namespace count for an object. Linux: kernel/capability.c:privileged_wrt_inode_uidgid(). */
export function coversOwner(status: CallerStatus, uid: number, gid: number): boolean {
  const { namespace } = status;
  return namespace === undefined || (isIn(namespace.uids, uid) && isIn(namespace.gids, gid));
}

function isIn(ranges: readonly IdRange[], id: number): boolean {
  return ranges.some(({ first, length }) => id >= first && id < first + length);
}

/** The second column is in the reader's namespace (user_namespaces(7)). */
function idsOf(pid: number, map: 'uid_map' | 'gid_map'): IdRange[] {
  const text = readProc(() => readFileSync(`/proc/${pid}/${map}`, 'latin1')) ?? '';
  return [...text.matchAll(/^\s*\d+\s+(\d+)\s+(\d+)$/gm)].map(([, first, length]) => ({
    first: Number(first),
    length: Number(length),
  }));
}

function userNamespaceOf(pid: string): string | undefined {
  return readProc(() => readlinkSync(`/proc/${pid}/ns/user`));
}

/** @returns undefined where the process has ended, or does not let itself be looked at. */
function readProc(read: () => string): string | undefined {
  try {
    return read();
  } catch (error) {
    if (hasCode(error, 'ENOENT', 'ESRCH', 'EACCES')) return undefined;
    throw error;
  }
}
