/**
 * What `RUN --mount` shows to the command, without a trace in the layer: mount points are virtual.
 *
 * A cache is a named volume (label CACHE_LABEL), so that `volume ls` shows it and `volume prune -a` empties it.
 */

import { chmodSync, chownSync } from 'node:fs';
import { join, posix } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { UserError } from '../errno/user-error.js';
import { sha256 } from '../image/chain-id.js';
import type { MountCommon, MountRequest } from '../mounts/spec/types.js';
import type { ContainerMount } from '../store/container-record.js';
import { type FileLock, tryLockFile } from '../store/lock.js';
import type { Store } from '../store/store.js';
import { createVolume } from '../volume/create.js';
import type { CopyTools } from './copy-pieces.js';
import type { RunMount } from './run-options.js';
import { sourceFiles } from './source-files.js';
import type { StageBuild } from './stage-build.js';
import type { WorkingTree } from './working-tree.js';

export const CACHE_LABEL = 'plyfs.build.cache';

export interface RunMountTools extends CopyTools {
  /** By id. */
  readonly secrets: ReadonlyMap<string, Buffer>;
}

/** A mount that is known to be there. */
export interface PlannedMount {
  /** What the outcome of RUN depends on. */
  readonly key: string;
  /** Makes what it needs, in the tree or the store. */
  attach(tree: WorkingTree, held: FileLock[]): Promise<Attached> | Attached;
}

export interface Attached {
  readonly mount?: ContainerMount;
  /** `NAME=VALUE`, for the command alone. */
  readonly environment?: string;
}

const SECRETS = '/run/secrets';
const SECRET_MODE = 0o400;
const LOCK_POLL_MS = 200;

/** @throws UserError when its source is not there. */
export async function planRunMount(
  tools: RunMountTools,
  build: StageBuild,
  mount: RunMount,
): Promise<PlannedMount> {
  if (mount.type === 'cache') return cacheMount(build, mount);
  if (mount.type === 'secret') return secretMount(tools, build, mount);
  const common = commonOf(mount, build.absolute(mount.target ?? ''));
  if (mount.type === 'tmpfs') {
    const size = mount.sizeBytes === undefined ? {} : { sizeBytes: mount.sizeBytes };
    const request: MountRequest = { ...common, readOnly: false, type: 'tmpfs', source: undefined, ...size };
    return { key: mount.spec, attach: () => ({ mount: { origin: 'mount', request } }) };
  }
  return mount.from === undefined ? contextMount(tools, mount, common) : otherMount(tools, mount, common);
}

function commonOf({ spec, readOnly }: RunMount, target: string): MountCommon {
  if (target === '/') throw new UserError(`the mount '${spec}' would hide everything`);
  return { target, readOnly: readOnly ?? true, spec, origin: 'mount', notices: [] };
}

/** What `.dockerignore` leaves out can be seen in it. */
function contextMount(
  tools: RunMountTools,
  { spec, source = '.' }: RunMount,
  common: MountCommon,
): PlannedMount {
  const { context } = tools;
  const [path = ''] = context.match(source);
  const { digest } = sourceFiles(context, path);
  const place = { type: 'bind', source: join(context.root, path) } as const;
  const request: MountRequest = { ...common, ...place, createSource: false, recursive: 'enabled' };
  return { key: `${spec} ${digest}`, attach: () => ({ mount: { origin: 'mount', request } }) };
}

async function otherMount(tools: RunMountTools, mount: RunMount, common: MountCommon): Promise<PlannedMount> {
  const { spec, source = '/', from = '' } = mount;
  const { key, id } = await tools.other(from);
  if (id === '') throw new UserError(`the mount '${spec}' is of a stage without files`);
  const subpath = posix.join('/', source).replace(/^\/|\/$/g, '');
  const request: MountRequest = {
    ...common,
    type: 'image',
    source: id,
    ...(subpath === '' ? {} : { subpath }),
  };
  return { key: `${spec} ${key}`, attach: () => ({ mount: { origin: 'mount', request } }) };
}

function cacheMount({ tools: { store }, absolute }: CacheBuild, mount: RunMount): PlannedMount {
  const target = absolute(mount.target ?? '');
  const id = mount.id ?? target;
  const name = `build-cache-${sha256(id).slice(0, 16)}`;
  const request: MountRequest = {
    ...commonOf(mount, target),
    readOnly: mount.readOnly ?? false,
    type: 'volume',
    source: name,
    noCopy: true,
    labels: {},
    driverOptions: {},
  };
  return {
    key: mount.spec,
    attach: async (_, held) => {
      makeCache(store, name, { id, mount });
      if (mount.locked) held.push(await lockPatiently(store.path('volumes', name, '.build.lock')));
      return { mount: { origin: 'mount', request } };
    },
  };
}

type CacheBuild = Pick<StageBuild, 'tools' | 'absolute'>;

function makeCache(store: Store, name: string, { id, mount }: { id: string; mount: RunMount }): void {
  const { made } = createVolume(store, { name, labels: { [CACHE_LABEL]: id } });
  if (!made) return;
  const data = store.path('volumes', name, '_data');
  if (mount.uid !== 0 || mount.gid !== 0) chownSync(data, mount.uid, mount.gid);
  chmodSync(data, mount.mode ?? 0o755);
}

/** Asked for again and again: to block would keep Ctrl-C from us. */
async function lockPatiently(path: string): Promise<FileLock> {
  for (;;) {
    const lock = tryLockFile(path);
    if (lock) return lock;
    await sleep(LOCK_POLL_MS);
  }
}

function secretMount({ secrets }: RunMountTools, { absolute }: CacheBuild, mount: RunMount): PlannedMount {
  const id = mount.id ?? posix.basename(mount.target ?? '');
  const content = secrets.get(id);
  if (content === undefined && mount.required) {
    throw new UserError(`there is no secret '${id}'`, { hint: `give it by --secret id=${id},src=FILE` });
  }
  const { env, mode = SECRET_MODE, uid, gid } = mount;
  // A secret is no part of what the cache knows, as with BuildKit.
  const key = mount.spec;
  if (content === undefined) return { key, attach: () => ({}) };
  const environment = env === undefined ? {} : { environment: `${env}=${content.toString('utf8')}` };
  if (env !== undefined && mount.target === undefined) return { key, attach: () => environment };
  const common = { ...commonOf(mount, absolute(mount.target ?? `${SECRETS}/${id}`)), readOnly: true };
  return {
    key,
    attach: (tree) => {
      const source = tree.addFile(`secret-${sha256(id).slice(0, 16)}`, content, { mode, uid, gid });
      const place = { type: 'bind', source, createSource: false, recursive: 'enabled' } as const;
      return { ...environment, mount: { origin: 'mount', request: { ...common, ...place } } };
    },
  };
}
