/**
 * A small kernel over one vfs.FileSystem: what Linux does between a system call and a request, as far as suites see it.
 *
 * It keeps names and attributes as long as it was told, checks permissions (default_permissions), gives references back, and
 * hands each request to the file system as engine/kernel would; what waits for a job is asked again. Of what
 * Linux does it has no page cache, no locks, no maps, no programs.
 */

import { Attr } from '../../../src/vfs/attr.js';
import type { FileSystem } from '../../../src/vfs/file-system.js';
import type { NodeId } from '../../../src/vfs/node-id.js';
import { Wait } from '../../../src/vfs/wait.js';
import { InodeCache } from './inode-cache.js';
import { InProcessSession } from './kernel-session.js';

export interface Credentials {
  readonly uid: number;
  readonly gid: number;
  readonly groups: readonly number[];
  /** A process of that identity: its /proc entry tells groups and capabilities. */
  readonly pid: number;
}

interface KernelOptions {
  readonly passthrough: boolean;
  /** Called after each request: the thread is to be itself again. */
  readonly onAnswered: () => void;
}

/** A request that still waits then waits for ever. */
const MOST_REPLAYS = 10_000;

export class Kernel {
  readonly fs: FileSystem;
  readonly session: InProcessSession;
  readonly cache = new InodeCache(this);
  readonly scratchAttr = new Attr();
  /** Requests so far. */
  requests = 0;
  readonly #onAnswered: () => void;

  constructor(fs: FileSystem, { passthrough, onAnswered }: KernelOptions) {
    this.fs = fs;
    this.#onAnswered = onAnswered;
    this.session = new InProcessSession(passthrough, {
      invalidate: (node) => this.cache.get(node)?.invalidate(),
      prune: () => this.cache.shrink(),
    });
    fs.attach(this.session);
  }

  /** One request, from its first dispatch to its answer. */
  request<T>(who: Credentials, run: (fs: FileSystem) => T): T {
    const { session } = this;
    this.requests++;
    try {
      for (let turn = 0; turn < MOST_REPLAYS; turn++) {
        session.caller.uid = who.uid;
        session.caller.gid = who.gid;
        session.caller.pid = who.pid;
        try {
          return run(this.fs);
        } catch (error) {
          if (!(error instanceof Wait)) throw error;
          session.settle();
          session.replaying = true;
          session.awaited = error.job;
        }
      }
      throw new Error('a request waits for ever');
    } finally {
      session.replaying = false;
      session.awaited = undefined;
      session.settle();
      this.#onAnswered();
    }
  }

  forget(node: NodeId, count: number): void {
    this.fs.forget(node, count);
    this.session.settle();
  }

  /** The end of the mount. PRECONDITION: nothing is open. */
  end(): void {
    this.cache.shrink();
    this.fs.detach();
  }
}
