/**
 * A process for each identity that tests take on: requests name a process, and its /proc entry tells groups and capabilities.
 */

import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { setTimeout } from 'node:timers/promises';
import type { Identity } from '../helpers/operations/process-operations.js';
import type { Credentials } from './kernel/kernel.js';

const SECONDS = '600';
const LIMIT_MS = 20_000;

export class Identities {
  readonly #children = new Map<string, ChildProcess>();

  /** This process. */
  static get own(): Credentials {
    return { uid: process.geteuid?.() ?? 0, gid: process.getegid?.() ?? 0, groups: [], pid: process.pid };
  }

  /** @throws unless we are root. */
  async of({ uid, gid, groups = [] }: Identity): Promise<Credentials> {
    const key = [uid, gid, ...groups].join(' ');
    let child = this.#children.get(key);
    if (child === undefined) {
      const list = groups.length === 0 ? ['--clear-groups'] : ['--groups', groups.join(',')];
      const who = ['--reuid', String(uid), '--regid', String(gid), ...list];
      child = spawn('setpriv', [...who, 'sleep', SECONDS], { stdio: 'ignore' });
      this.#children.set(key, child);
      await becomes(child.pid, uid);
    }
    return { uid, gid, groups, pid: child.pid ?? 0 };
  }

  async end(): Promise<void> {
    for (const child of this.#children.values()) {
      const ended = once(child, 'exit');
      child.kill('SIGKILL');
      await ended;
    }
    this.#children.clear();
  }
}

/** `setpriv` runs as us at first. */
async function becomes(pid: number | undefined, uid: number): Promise<void> {
  for (const giveUpAt = Date.now() + LIMIT_MS; Date.now() < giveUpAt; await setTimeout(5)) {
    const status = readFileSync(`/proc/${pid}/status`, 'latin1');
    if (new RegExp(`^Uid:\\t${uid}\\t${uid}\\t`, 'm').test(status) && /^Name:\tsleep$/m.test(status)) return;
  }
  throw new Error(`setpriv did not become ${uid}`);
}
