/**
 * What only the caller's /proc entry tells: supplementary groups. Read for few requests, since it costs several syscalls.
 * Linux: fs/attr.c:in_group_or_capable() v6.18.
 */

import { readFileSync } from 'node:fs';
import type { Caller } from '../vfs/caller.js';

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
