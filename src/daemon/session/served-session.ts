/**
 * One session in the thread that serves it: builds its file system, serves when it is handed the descriptor, answers
 * questions, and lets go of all that it holds.
 *
 * INVARIANT: nothing here waits for long once another session may be served: writing out what was promised is then a job.
 */

import { JobRunner } from '../../engine/jobs/job-runner.js';
import type { LoopBuffers } from '../../engine/kernel/loop-buffers.js';
import type { ServingLoop } from '../../engine/kernel/serving-loop.js';
import { SessionLoop } from '../../engine/kernel/session-loop.js';
import { errnoText } from '../../errno/errno.js';
import { check, FsError } from '../../errno/fs-error.js';
import { messageOf } from '../../errno/reason.js';
import type { Negotiated } from '../../fuse/negotiate.js';
import { AT_FDCWD, O_DIRECTORY, O_RDONLY } from '../../linux/constants.js';
import { dup2, openat } from '../../linux/files/open.js';
import type { CallerIds } from '../../realfs/caller-ids.js';
import type { HeldDescriptors } from '../../realfs/held-descriptors.js';
import type { Job } from '../../vfs/wait.js';
import type { MountConfig } from '../config/mount-config.js';
import type { FromWorker, KeptDescriptors, ToWorker } from '../messages/worker-messages.js';
import { recentActivity } from './journal/recent-activity.js';
import { SessionJournal } from './journal/session-journal.js';
import { KeptSession } from './kept/kept-session.js';
import type { ServedTree } from './served-tree.js';
import { answerRequest, buildOrReport, type StatsArgs } from './session-server.js';
import type { Wakefulness } from './wakefulness.js';

/** What the sessions of a thread share. */
export interface ThreadParts {
  readonly privileged: boolean;
  readonly fileLimit: number;
  readonly wakeFd: number;
  /** /dev/null, to put in the place of descriptors. */
  readonly nothing: number;
  readonly callerIds: CallerIds;
  readonly held: HeldDescriptors;
  readonly buffers: LoopBuffers;
  readonly serving: ServingLoop;
  readonly awake: (config: MountConfig) => Wakefulness;
}

/** For so long after somebody has asked, requests are timed. */
const TIMED_MS = 10_000;

type Descriptors = Pick<Extract<ToWorker, { kind: 'serve' }>, 'fuseFd' | 'locks' | 'kept'>;

export class ServedSession {
  readonly #config: MountConfig;
  readonly #parts: ThreadParts;
  readonly #post: (message: FromWorker) => void;
  readonly #awake: Wakefulness;
  readonly #tree: ServedTree | undefined;
  #loop: SessionLoop | undefined;
  #handed: Descriptors | undefined;
  #ending: { readonly reason: string; readonly jobs: JobRunner; readonly syncs: readonly Job[] } | undefined;
  #isOver = false;
  #kept: KeptSession | undefined;
  #journal: SessionJournal | undefined;

  constructor(config: MountConfig, parts: ThreadParts, post: (message: FromWorker) => void) {
    this.#config = config;
    this.#parts = parts;
    this.#post = post;
    this.#awake = parts.awake(config);
    const { wakeFd } = parts;
    parts.callerIds.reset();
    this.#tree = buildOrReport(config, parts, post, { wakeFd, log: this.#log });
    if (this.#tree === undefined) this.#isOver = true;
    else post({ kind: 'ready' });
  }

  get isOver(): boolean {
    return this.#isOver;
  }

  get loop(): SessionLoop | undefined {
    return this.#loop;
  }

  receive(message: ToWorker): void {
    const tree = this.#tree;
    if (this.#isOver || tree === undefined) return;
    tree.actAsDaemon();
    if (message.kind === 'serve') this.#serve(tree, message);
    else if (message.kind === 'stop') this.#stop(tree);
    else if (message.kind === 'promiseDisk') tree.promiseDisk();
    else if (message.kind === 'request' && message.name === 'keepAnew') {
      // Made by mount-keeping.ts, in this process.
      const isKept = this.#keepAnew(tree, message.args as unknown as KeptDescriptors);
      this.#post({ kind: 'reply', id: message.id, value: { isKept } });
    } else if (message.kind === 'request') {
      const loop = this.#loop;
      const beforeChange = (): void => {
        if (loop !== undefined && loop.fs !== tree.mounts) loop.fs = tree.joinMounts(loop);
      };
      const stats = (args: StatsArgs): object => this.#stats(tree, args);
      answerRequest(message, { tree, stats, awake: this.#awake.text, beforeChange, post: this.#post });
    }
  }

  /** Nothing comes for a moment. */
  expectChanges(): void {
    if (!this.#isOver && this.#loop !== undefined) this.#tree?.expectChanges();
  }

  /** Its mount is gone: what was promised is written out, then it lets go of everything. */
  end(reason: string): void {
    const tree = this.#tree;
    if (this.#isOver || tree === undefined || this.#ending !== undefined) return;
    tree.actAsDaemon();
    if (!tree.isPromised) {
      this.#letGo(reason, undefined);
      return;
    }
    this.#post({ kind: 'ending' });
    if (this.#parts.serving.size === 0) {
      this.#letGo(reason, tree.keepPromise());
      return;
    }
    try {
      const jobs = new JobRunner(this.#parts.wakeFd);
      const syncs = tree.promised.map((path) => {
        const fd = check(openat(AT_FDCWD, path, O_RDONLY | O_DIRECTORY), 'open', path);
        return jobs.start({ kind: 'syncfs', fd });
      });
      this.#ending = { reason, jobs, syncs };
      this.look();
    } catch (error) {
      if (!(error instanceof FsError)) throw error;
      this.#letGo(reason, notSafe(error.errno));
    }
  }

  /** It has thrown: a mistake of ours, which nothing else is to suffer from. */
  fail(error: unknown): void {
    if (error instanceof FsError) {
      this.#letGo(error.message, undefined);
      return;
    }
    const { message, stack } = error instanceof Error ? error : new Error(String(error));
    this.#letGo('crashed', undefined, { message, ...(stack === undefined ? {} : { stack }) });
  }

  /** Whether what it waits for at its end is done: after the eventfd was written. */
  look(): void {
    if (this.#ending === undefined || this.#isOver) return;
    const { reason, jobs, syncs } = this.#ending;
    jobs.collect();
    if (!syncs.every(({ done }) => done)) return;
    jobs.stop();
    const failed = syncs.find(({ result }) => result < 0);
    this.#letGo(reason, failed && notSafe(-failed.result));
  }

  readonly #log = (line: string): void => this.#post({ kind: 'log', line });

  #stats(tree: ServedTree, { recent = false }: StatsArgs): object {
    const loop = this.#loop;
    const stats = { requests: loop?.counts() ?? {}, failed: this.#journal?.counts ?? {} };
    if (!recent) return stats;
    loop?.timeFor(TIMED_MS);
    return { ...stats, recent: recentActivity(tree, this.#journal) };
  }

  #serve(tree: ServedTree, { fuseFd, locks, kept: given }: Descriptors): void {
    const parts = this.#parts;
    this.#handed = { fuseFd, locks };
    const kept = given && this.#keep(tree, given);
    this.#kept = kept;
    const journal = new SessionJournal({
      placeOf: (node) => tree.placeOf(node),
      tell: (failure) => this.#post({ kind: 'failure', failure }),
    });
    this.#journal = journal;
    if (tree.router !== undefined) tree.router.onLate = (request) => journal.late(request);
    const loop = new SessionLoop({
      fs: tree.fs,
      remote: tree.router,
      fuseFd,
      wakeFd: parts.wakeFd,
      buffers: parts.buffers,
      passthrough: parts.privileged,
      debug: this.#config.debug,
      burst: this.#awake.burst,
      log: this.#log,
      observer: journal,
      record: kept?.record,
      onInit: (features: Negotiated) => {
        kept?.start(features);
        tree.serve(fuseFd, { setxattrExt: features.setxattrExt });
        this.#post({
          kind: 'initialized',
          features: { ...features },
          isNotKept: given !== undefined && kept === undefined,
        });
      },
      isRehearsal: false,
    });
    this.#loop = loop;
    parts.serving.add(loop);
    if (kept?.left !== undefined) loop.resume(kept.left);
  }

  /** @returns undefined where that cannot be: the mount ends with the process, then. @throws UserError, FsError of what another has left. */
  #keep(tree: ServedTree, given: KeptDescriptors): KeptSession | undefined {
    try {
      return new KeptSession(tree, given, this.#log);
    } catch (error) {
      if (given.left !== undefined || !(error instanceof FsError)) throw error;
      tree.keepNoLonger();
      this.#log(`the mount ends with this process: ${error.message}`);
      return undefined;
    }
  }

  /** What is served has other layers: their records are written anew, in another store. @returns whether they could be. */
  #keepAnew(tree: ServedTree, given: KeptDescriptors): boolean {
    const loop = this.#loop;
    this.#kept?.end();
    const kept = this.#keep(tree, given);
    this.#kept = kept;
    if (loop === undefined) return false;
    loop.record = kept?.record;
    if (loop.agreed !== undefined) kept?.start(loop.agreed);
    return kept !== undefined;
  }

  #stop(tree: ServedTree): void {
    if (this.#loop !== undefined) {
      this.#parts.serving.remove(this.#loop);
      this.end('stopped');
      return;
    }
    tree.undo();
    this.#isOver = true;
    this.#post({ kind: 'ended', reason: 'stopped', isHung: !tree.detach() });
  }

  /**
   * Frees the disks of upper and of the layers, before anything else that the end takes: umount(2) waits for no daemon, and
   * whoever called it may go on with `losetup -d`, mkfs or a mount of the same upper.
   *
   * Descriptors of the main thread are made to mean /dev/null: their numbers stay taken, since other threads use them too.
   * The device comes first: the kernel closes all backing files of passthrough with it. INVARIANT: the end is told whatever a disk
   * that is gone says to it, or the main thread would wait for it for ever.
   */
  #letGo(
    reason: string,
    notOnDisk: string | undefined,
    crash?: { readonly message: string; readonly stack?: string },
  ): void {
    if (this.#isOver) return;
    this.#isOver = true;
    const { nothing } = this.#parts;
    const { fuseFd = -1, locks = [] } = this.#handed ?? {};
    attempt(() => this.#kept?.end(), this.#log);
    if (fuseFd >= 0) check(dup2(nothing, fuseFd), 'dup2');
    attempt(() => this.#tree?.close(), this.#log);
    for (const lock of locks) check(dup2(nothing, lock), 'dup2');
    const isHung = this.#tree?.stopThreads() === false;
    this.#post({ kind: 'ended', reason, isHung, notOnDisk, crash });
  }
}

function notSafe(errno: number): string {
  return `what was written is not safe on disk: ${errnoText(errno)}`;
}

/** What goes wrong at the end is told, and ends nothing else. */
function attempt(act: () => void, log: (line: string) => void): void {
  try {
    act();
  } catch (error) {
    log(`letting go: ${messageOf(error)}`);
  }
}
