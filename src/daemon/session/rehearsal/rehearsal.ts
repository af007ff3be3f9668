/**
 * What a serving thread does when it has nothing to do for the first time: it serves a session of its own, on a disk of memory that no
 * path leads to, so that V8 has compiled the code that creates, changes and removes before a user needs it.
 *
 * INVARIANT: no file system of a user's is touched, and no request waits for longer than a slice.
 * INVARIANT: what the session is made of has the same shape as a user's (hidden classes): else V8 would drop the code at the first request.
 */

import { REQUEST_RECORD_BYTES, RequestRecord } from '../../../engine/kernel/request-record.js';
import type { IdleWork } from '../../../engine/kernel/serving-loop.js';
import { SessionLoop } from '../../../engine/kernel/session-loop.js';
import { check, FsError } from '../../../errno/fs-error.js';
import { O_CREAT, O_EXCL, O_WRONLY } from '../../../linux/constants.js';
import { write } from '../../../linux/files/data.js';
import { mkdirat } from '../../../linux/files/directory.js';
import { close, openat } from '../../../linux/files/open.js';
import { DescriptorStore } from '../../../linux/io/descriptor-store.js';
import { privateTmpfs } from '../../../linux/mounts/mount.js';
import { descriptorPath } from '../../../realfs/real-object.js';
import type { Name } from '../../../vfs/name.js';
import { NODE_RECORDS_BYTES, NodeRecords } from '../../../vfs/node-records.js';
import type { MountConfig } from '../../config/mount-config.js';
import { version } from '../../config/plyfs-version.js';
import { SessionJournal } from '../journal/session-journal.js';
import type { ThreadParts } from '../served-session.js';
import { ServedTree } from '../served-tree.js';
import { RehearsedRequests } from './rehearsed-requests.js';
import { StandInKernel } from './stand-in-kernel.js';

/** How long a request that comes meanwhile may wait. */
const SLICE_MS = 2;
const DISK_BYTES = 16 * 1024 * 1024;
const LAYER_FILES = 80;
const CONTENT = Buffer.from('rehearsed\n');
const QUEUE_BYTES = 65_536;

/** What a rehearsal needs of the thread. */
type RehearsedParts = Pick<
  ThreadParts,
  'privileged' | 'fileLimit' | 'wakeFd' | 'callerIds' | 'held' | 'buffers'
>;

export class Rehearsal implements IdleWork {
  readonly #parts: () => RehearsedParts;
  #config: MountConfig | undefined;
  #steps: Generator<void> | undefined;
  #isOver = process.env.PLYFS_REHEARSAL === 'off';
  #failure: FsError | undefined;

  /** @param parts are asked for when it begins. */
  constructor(parts: () => RehearsedParts) {
    this.#parts = parts;
  }

  /** Takes a mount that is going to be served: the first that can be written to says what is rehearsed. */
  prepare(config: MountConfig): void {
    if (config.upper !== undefined && !config.readOnly) this.#config ??= config;
  }

  get isDue(): boolean {
    return this.#config !== undefined && !this.#isOver;
  }

  /** Why it ended before its time: users' sessions are served as well without. */
  get failure(): FsError | undefined {
    return this.#failure;
  }

  run(): void {
    const untilMs = performance.now() + SLICE_MS;
    try {
      this.#begin();
      while (!this.#isOver && performance.now() < untilMs) this.#isOver = this.#steps!.next().done === true;
    } catch (error) {
      if (!(error instanceof FsError)) throw error;
      this.#failure = error;
      this.#isOver = true;
    }
    if (this.#isOver) this.#steps = undefined;
  }

  #begin(): void {
    const parts = this.#parts();
    // Only root has a disk that no path leads to.
    if (!parts.privileged) this.#isOver = true;
    parts.callerIds.reset();
    this.#steps ??= rehearse(this.#config!, parts);
  }
}

function* rehearse(config: MountConfig, parts: RehearsedParts): Generator<void> {
  const disk = check(privateTmpfs({ sizeBytes: DISK_BYTES, mode: 0o700, source: 'plyfs' }), 'fsmount');
  try {
    const files = fill(disk);
    yield* serve(onDisk(config, disk), parts, files);
  } finally {
    close(disk);
  }
}

/** @returns the names in the layer. */
function fill(disk: number): Name[] {
  for (const name of ['layer', 'upper', 'work']) check(mkdirat(disk, name, 0o755), 'mkdir', name);
  return Array.from({ length: LAYER_FILES }, (_, index) => {
    const name = `layer-file-${index}`;
    const fd = check(openat(disk, `layer/${name}`, O_CREAT | O_EXCL | O_WRONLY, 0o644), 'open', name);
    write(fd, CONTENT);
    close(fd);
    return name;
  });
}

/** The same mount, of what is on this disk. */
function onDisk(config: MountConfig, disk: number): MountConfig {
  const root = descriptorPath(disk);
  return {
    ...config,
    layers: [`${root}/layer`],
    dataLayers: [],
    upper: `${root}/upper`,
    work: `${root}/work`,
    mounts: [],
    // On a busy machine a sync of memory would be taken for that of a slow disk, which helper threads do.
    volatile: true,
  };
}

/** Nobody is to hear of it. */
const log = (): void => undefined;

function* serve(config: MountConfig, parts: RehearsedParts, files: readonly Name[]): Generator<void> {
  const { privileged, fileLimit, callerIds, held, wakeFd } = parts;
  const kernel = new StandInKernel();
  const store = DescriptorStore.create(QUEUE_BYTES);
  const tree = new ServedTree(config, {
    privileged,
    fileLimit,
    callerIds,
    held,
    threads: { wakeFd, log },
  });
  const loop = rehearsedLoop(tree, kernel.fuseFd, parts);
  try {
    tree.keep({ records: new NodeRecords(Buffer.alloc(NODE_RECORDS_BYTES)), store, log });
    loop.begin();
    yield* new RehearsedRequests(kernel, loop).steps(files);
  } finally {
    loop.stop();
    tree.keepNoLonger();
    tree.detach();
    store.close();
    kernel.close();
  }
}

/** As served-session.ts makes one, the order of its options included. */
function rehearsedLoop(tree: ServedTree, fuseFd: number, parts: RehearsedParts): SessionLoop {
  const record = new RequestRecord(Buffer.alloc(REQUEST_RECORD_BYTES));
  return new SessionLoop({
    fs: tree.fs,
    remote: tree.router,
    fuseFd,
    wakeFd: parts.wakeFd,
    buffers: parts.buffers,
    passthrough: parts.privileged,
    debug: false,
    burst: undefined,
    log,
    observer: new SessionJournal({ placeOf: (node) => tree.placeOf(node), tell: log }),
    record,
    onInit: (features) => record.start(features, version()),
    isRehearsal: true,
  });
}
