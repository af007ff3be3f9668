/**
 * What only the caller's /proc entry tells: supplementary groups, and whether CAP_FSETID lets setuid and setgid stay.
 * Read only for files that have those bits. Linux: fs/attr.c:setattr_should_drop_suidgid(), in_group_or_capable() v6.18.
 */

import { readFileSync } from 'node:fs';
import type { Caller } from '../vfs/caller.js';

const CAP_FSETID = 4n;

export function mayKeepSetid(caller: Caller): boolean {
  const effective = /^CapEff:\s*([0-9a-f]+)$/m.exec(statusOf(caller))?.[1];
  // Gone, or in a pid namespace that is not seen from here: the uid has to do.
  if (effective === undefined) return caller.uid === 0;
  return ((BigInt(`0x${effective}`) >> CAP_FSETID) & 1n) === 1n;
}

export function isInGroup(caller: Caller, gid: number): boolean {
  if (caller.gid === gid) return true;
  const groups = /^Groups:\s*(.*)$/m.exec(statusOf(caller))?.[1] ?? '';
  return groups.split(/\s+/).includes(String(gid));
}

function statusOf(caller: Caller): string {
  if (caller.pid === 0) return '';
  try {
    return readFileSync(`/proc/${caller.pid}/status`, 'latin1');
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : undefined;
    if (code === 'ENOENT' || code === 'ESRCH' || code === 'EACCES') return '';
    throw error;
  }
}
