/**
 * The cases that cannot run in-process, each with what the small kernel lacks for it. They run on mounts (test/conformance).
 *
 * As known failures (conformance/run-suites.ts): one that passes after all fails the run.
 */

import type { KnownFailures } from '../conformance/run-suites.js';
import type { Suite } from '../conformance/suite.js';

const MAPS = 'memory is mapped by the kernel, from its page cache';
const LOCKS = 'locks are kept by the kernel; no request of them comes to the file system';
const PROGRAMS = 'a program can run on a real mount alone';
const HANDLES = 'handles of files are made and opened by the kernel';
const SPECIAL = 'what is behind a device or a fifo is opened by the kernel, without a request';
const PAGE_CACHE = 'what is read again comes from the page cache, and moves no time of the file in upper';

const everywhere: KnownFailures = {
  'write: a program that is running is not written, one being written not run': PROGRAMS,
  'write: a program of a layer runs': PROGRAMS,
  'rename-directory: a directory moves over an empty one of a layer, of upper, and over one that was emptied':
    PROGRAMS,
  'special: device nodes work': SPECIAL,
  'special: a fifo of a layer carries data between its ends': SPECIAL,
  'special: a unix socket listens and answers in the directory': PROGRAMS,
  'nested: an overlay of layers in the mount shows their union, whiteouts and opaque directories too':
    PROGRAMS,
  'times: mapping a file moves its access time, stat and open do not': MAPS,
  'times: a write through a shared map moves mtime and ctime, before and after close': MAPS,
  'times: cp -a and tar keep times, owners and modes': PROGRAMS,
  'set-id: a write through a map takes neither capabilities nor set-id bits away, with a reader or without':
    MAPS,
  'sharing: two shared maps of a file see each other, and read and write see them': MAPS,
  'sharing: a shared map of a lower file opened for writing lands in the union, not in the layer': MAPS,
  'sharing: a private map keeps its writes to itself': MAPS,
  'sharing: a map outlives close and unlink': MAPS,
  'sharing: a shared writable map wants a descriptor open for both': MAPS,
  'sharing: flock excludes other processes and other opens, not readers from readers': LOCKS,
  'sharing: a process that waits for a flock gets it when the other closes': LOCKS,
  'sharing: fcntl locks exclude ranges between processes and name the holder': LOCKS,
  'sharing: fcntl locks wait, are shared by readers, and go when the process closes any descriptor': LOCKS,
  'sharing: locks of open files part two opens of one process, and stay when another descriptor is closed':
    LOCKS,
  'sharing: a signal ends the wait for a lock, and who is killed leaves none': LOCKS,
  'held-open: a descriptor open for reading sees a write through a shared map': MAPS,
  'held-open: maps made before show a write': MAPS,
  'held-open: maps made before show a write into a large file': MAPS,
  'held-open: maps made before show an append': MAPS,
  'held-open: maps made before show an open that empties it, and a write': MAPS,
  'held-open: maps made before show a truncation through another descriptor, and a write': MAPS,
  'held-open: maps made before show a chmod, and a write': MAPS,
  'held-open: maps made before show a rename, and a write by the new name': MAPS,
  'held-open: maps made before show a rename over it, of a link made before, and a write': MAPS,
  'held-open: maps made before show a write after the name went': MAPS,
  'held-open: maps made before show a write by another of its names': MAPS,
  'held-open: maps made before show a write through a shared map': MAPS,
  'held-open: maps made before show a hole punched into it': MAPS,
  'held-open: maps made before show a range copied into it': MAPS,
  'held-open: a private map keeps the page that it changed': MAPS,
  'held-open: a lock of a descriptor from before excludes those who open the file later': LOCKS,
  'held-open: a file changed and closed is read as it is by those who open it then': MAPS,
  'directory: a directory of 5,000 entries of two layers and upper lists each once': PROGRAMS,
  'identity: a file handle opens the file that it was made of, or there is none, or it is stale': HANDLES,
  'identity: find, git and du agree with themselves over a union': PROGRAMS,
  'host-changes: a file changed on the host changes in descriptors and shared maps, and the reverse': MAPS,
  'host-changes: special files of a bind keep their type, and devices work': SPECIAL,
};

/** Cases that on a mirror pass, or do not exist. */
const onUnions: KnownFailures = {
  'times: reading a file moves its access time once after each change, as relatime has it': PAGE_CACHE,
  'identity: a directory of upper has two links and one for each directory in it, a merged one has one':
    PROGRAMS,
};

/** Suites that make too much for a quick run: 100,000 names, 200 layers. Their cases run programs, too. */
const LARGE = new Set(['large-directory', 'many-layers']);

/** Cases that are not even begun: they would fail half-way, and leave what cannot be removed. */
const NOT_BEGUN = new Map([
  ['a map changes nothing of an append-only file', MAPS],
  ['a path beyond PATH_MAX is reached step by step', PROGRAMS],
  ['chdir leads beyond PATH_MAX, through directories of a layer and new ones', PROGRAMS],
]);

/** What of the suites is run in-process. */
export function suitesFor(suites: readonly Suite[]): readonly Suite[] {
  return suites
    .filter(({ name }) => !LARGE.has(name))
    .map(({ name, cases }) => ({ name, cases: cases.filter((test) => !NOT_BEGUN.has(test.name)) }));
}

/** What of them cannot be. */
export function excludedOf(suites: readonly Suite[], kind: 'union' | 'mirror'): KnownFailures {
  const names = new Set(suites.flatMap(({ name, cases }) => cases.map((test) => `${name}: ${test.name}`)));
  const all = kind === 'union' ? { ...everywhere, ...onUnions } : everywhere;
  return Object.fromEntries(Object.entries(all).filter(([name]) => names.has(name)));
}
