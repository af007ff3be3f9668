/**
 * A mount that outlives the process that serves it, from its main thread: its store holds the device, the locks of what is served, and
 * what the session puts in (session/kept/kept-session.ts); its order lies in the run directory.
 */

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { isSystemError } from '../../errno/error-code.js';
import { check, FsError } from '../../errno/fs-error.js';
import { messageOf } from '../../errno/reason.js';
import { close } from '../../linux/files/open.js';
import { DescriptorStore } from '../../linux/io/descriptor-store.js';
import type { MountConfig, ServeRequest } from '../config/mount-config.js';
import { withRemoteVolumes } from '../config/remote-source.js';
import type { KeptDescriptors } from '../messages/worker-messages.js';
import { type RunState, readRunState, runDirectory, writeRunFile } from '../run-directory/run-state.js';
import { MOUNTS_LABEL, ORPHAN_LABEL, readLeftMounts, SOURCE_LABEL } from '../session/kept/kept-mounts.js';
import { RECORDS_LABEL } from '../session/kept/kept-session.js';
import type { Features } from '../session/session.js';

const ORDER = 'order.json';
const DEVICE = 'device';
const LOCK = 'lock ';

/** What is left of a mount whose daemon is gone. */
export interface LeftMount {
  readonly request: ServeRequest;
  readonly state: RunState;
  readonly store: DescriptorStore;
  readonly fuseFd: number;
  readonly locks: readonly number[];
  readonly handed: KeptDescriptors;
}

interface HeldByMount {
  readonly fuseFd: number;
  readonly locks: readonly number[];
}

/** Puts what a mount has into a store of its own. @returns undefined where that cannot be done; the log says why. */
export function keepMount(
  request: ServeRequest,
  held: HeldByMount,
  log: (line: string) => void,
): DescriptorStore | undefined {
  if (hasRemote(request.config)) return undefined;
  try {
    return storeOf(request, held);
  } catch (error) {
    if (!isSystemError(error) && !(error instanceof FsError)) throw error;
    log(`the mount ends with this process: ${messageOf(error)}`);
    return undefined;
  }
}

/** Whether a thread of its own serves one of the mounts. */
export function hasRemote({ mounts, engine }: Pick<MountConfig, 'mounts' | 'engine'>): boolean {
  return withRemoteVolumes(mounts, engine).some(({ remote }) => remote !== undefined);
}

function storeOf(request: ServeRequest, { fuseFd, locks }: HeldByMount): DescriptorStore {
  writeRunFile(runDirectory(request.runRoot, request.id), ORDER, JSON.stringify(request));
  const store = DescriptorStore.create();
  check(store.put(DEVICE, fuseFd), 'sendmsg');
  for (const [index, fd] of locks.entries()) check(store.put(`${LOCK}${index}`, fd), 'sendmsg');
  return store;
}

/** Undefined when it does not suffice to go on: then the mount is dead. */
export function leftMount(runRoot: string, id: string, store: DescriptorStore): LeftMount | undefined {
  const directory = runDirectory(runRoot, id);
  const state = readRunState(directory);
  const found = new Map<string, number>();
  for (const { label, fd } of store.sift(() => true)) {
    const twice = found.get(label);
    if (twice !== undefined) close(twice);
    found.set(label, fd);
  }
  const take = (prefix: string): [number, number][] =>
    [...found]
      .filter(([label]) => label.startsWith(prefix))
      .map(([label, fd]) => [Number(label.slice(prefix.length)), fd]);
  const fuseFd = found.get(DEVICE);
  const [generation, recordsFd] = newest(take(RECORDS_LABEL));
  if (state === undefined || fuseFd === undefined || recordsFd === undefined) {
    for (const fd of found.values()) close(fd);
    store.empty();
    store.close();
    return undefined;
  }
  const [mountsGeneration, mountsFd] = newest(take(MOUNTS_LABEL));
  const [orphans, sources] = [take(ORPHAN_LABEL), new Map(take(SOURCE_LABEL))];
  const request = JSON.parse(readFileSync(join(directory, ORDER), 'utf8')) as ServeRequest;
  const { inward, outward } = store;
  const left = { generation, recordsFd, orphans, mountsGeneration, mountsFd, sources };
  const locks = take(LOCK).map(([, fd]) => fd);
  const handed = { inward, outward, left };
  return { request: withMounts(request, mountsFd), state, store, fuseFd, locks, handed };
}

/** Not by their order in the store, which a process that was killed while it looked has changed. @returns it; others are closed. */
function newest(numbered: readonly (readonly [number, number])[]): readonly [number, number?] {
  const sorted = numbered.toSorted(([a], [b]) => b - a);
  for (const [, fd] of sorted.slice(1)) close(fd);
  return sorted[0] ?? [0];
}

/** The mounts may be others than those that it was made with. */
function withMounts(request: ServeRequest, mountsFd: number | undefined): ServeRequest {
  if (mountsFd === undefined) return request;
  const mounts = readLeftMounts(mountsFd).mounts.map(({ mount }) => mount);
  return { ...request, config: { ...request.config, mounts } };
}

/** Why a mount that is not kept is not. */
export function whyNotKept(
  { mounts, engine }: Pick<MountConfig, 'mounts' | 'engine'>,
  features: Features,
  keeper: unknown,
): string {
  if (engine !== 'kernel') return `the engine ${engine} serves it`;
  if (mounts.some(({ remote }) => remote !== undefined)) return 'it has mounts of remote storage';
  if (features.resend !== true) return 'the kernel does not send requests again, as Linux 6.9 does';
  if (keeper === undefined) return 'its daemon has no keeper (PLYFS_KEEPER=off)';
  return 'what it needs could not be kept: see its log';
}

/** Nobody can go on with the mount: it is dead, and frees its disks. */
export function letGoOf({ store, fuseFd, handed }: LeftMount): void {
  store.empty();
  store.close();
  close(fuseFd);
  const { left } = handed;
  if (left === undefined) return;
  const others = [left.recordsFd, ...left.sources.values(), ...left.orphans.map(([, fd]) => fd)];
  for (const fd of others) close(fd);
  if (left.mountsFd !== undefined) close(left.mountsFd);
}
