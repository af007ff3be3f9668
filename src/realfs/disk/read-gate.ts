/**
 * Keeps the serving thread out of a remote file system that does not answer: a server that is away, a FUSE daemon that hangs.
 *
 * A look-up there waits for as long as that lasts, and all requests with it. So after a pause a helper thread asks the
 * server for the attributes of the root, and those requests wait for it that need that file system. Answers speak for what
 * follows closely: a server that falls silent between them is still met by the serving thread.
 * INVARIANT: a request that has waited for anything but a gate is not stopped: its work may be half done.
 */

import { fstatfs, StatFsResult } from '../../linux/files/statfs.js';
import { fstatx, Statx } from '../../linux/files/statx.js';
import type { Session } from '../../vfs/file-system.js';
import { isJustRead, type Job, Wait } from '../../vfs/wait.js';

/** How long an answer speaks: ten times as long as it took, so that a request needing several slow ones gets on. */
const LEAST_LEASE_MS = 20;
const MOST_LEASE_MS = 2_000;
const LEASE_FACTOR = 10;

/** Linux: include/uapi/linux/magic.h, and fs/ceph, fs/smb, fs/9p: those that ask a server, or a program. */
const REMOTE_MAGICS: ReadonlySet<number> = new Set([
  0x65735546, // FUSE
  0x6969, // NFS
  0xff534d42, // CIFS
  0xfe534d42, // SMB2
  0x517b, // SMB
  0x01021997, // 9P
  0x00c36400, // Ceph
  0x5346414f, // AFS
  0x6b414653, // kAFS
  0x73757245, // Coda
]);

export class ReadGate {
  readonly #fd: number;
  readonly #device: number;
  readonly #now: () => number;
  #leaseMs = LEAST_LEASE_MS;
  #passedMs = Number.NEGATIVE_INFINITY;
  #askedMs = 0;
  #asked: Job | undefined;

  /**
   * @param fd of its root; stays the caller's, open as long as requests pass.
   * @param now a clock in milliseconds.
   */
  constructor(fd: number, device: number, now: () => number = () => performance.now()) {
    this.#fd = fd;
    this.#device = device;
    this.#now = now;
  }

  /** Before a request touches the file system. @throws Wait while it is not known that it answers. */
  pass(session: Session | undefined): void {
    if (session === undefined) return;
    const { awaited } = session;
    const isFirst = awaited === undefined || awaited.spec.kind === 'probe' || isJustRead(awaited);
    const nowMs = this.#now();
    const isAnswered = awaited !== undefined && awaited === this.#asked;
    if (!isFirst || isAnswered || nowMs - this.#passedMs < this.#leaseMs) {
      this.#passedMs = nowMs;
      return;
    }
    throw new Wait(this.#ask(session, nowMs));
  }

  #ask(session: Session, nowMs: number): Job {
    if (this.#asked !== undefined && !this.#asked.done) return this.#asked;
    const asked = session.startJob({ kind: 'reach', fd: this.#fd, device: this.#device });
    this.#asked = asked;
    this.#askedMs = nowMs;
    asked.onDone = () => {
      this.#passedMs = this.#now();
      const tookMs = this.#passedMs - this.#askedMs;
      this.#leaseMs = Math.min(MOST_LEASE_MS, Math.max(LEAST_LEASE_MS, tookMs * LEASE_FACTOR));
    };
    return asked;
  }
}

/** The gate of the file system behind a descriptor; a local one has none. */
export function readGateOf(fd: number): ReadGate | undefined {
  const found = new StatFsResult();
  if (fstatfs(fd, found) !== 0 || !REMOTE_MAGICS.has(found.type)) return undefined;
  const stat = new Statx();
  return fstatx(fd, 0, stat) === 0 ? new ReadGate(fd, stat.dev) : undefined;
}
