/**
 * `RUN --mount=type=cache`: a named volume (label CACHE_LABEL), so that `volume ls` shows it and `volume prune -a` empties
 * it. Its first content may come from a stage.
 */

import { chmodSync, chownSync, renameSync, rmSync } from 'node:fs';
import { join, posix } from 'node:path';
import { UserError } from '../../../errno/user-error.js';
import { sha256 } from '../../../image/oci/chain-id.js';
import type { MountRequest } from '../../../mounts/request/types.js';
import { type FileLock, lockFilePatiently, tryLockFile } from '../../../store/lock.js';
import type { Store } from '../../../store/store.js';
import { volumeData, volumeHome } from '../../../store/volume-home.js';
import { createVolume } from '../../../volume/create-volume.js';
import type { StageBuild } from '../../stage/stage-build.js';
import type { OtherTree } from '../copy/copy-pieces.js';
import { commonOf, mountTarget, type PlannedMount, type RunMountTools } from './run-mounts.js';
import type { RunMount } from './run-options.js';
import { copyInto, openImageSource } from './source-copy.js';

const CACHE_LABEL = 'plyfs.build.cache';

/** To block would keep Ctrl-C from us. */
const LOCK_POLL_MS = 200;
/** Private caches of one id that may be in use at the same time. */
const MAX_PRIVATE = 64;

interface Cache {
  readonly build: StageBuild;
  readonly mount: RunMount;
  /** What tells it from others. */
  readonly id: string;
  /** Where its first content comes from. */
  readonly from: OtherTree | undefined;
}

export async function cacheMount(
  tools: RunMountTools,
  build: StageBuild,
  mount: RunMount,
): Promise<PlannedMount> {
  const target = mountTarget(build, mount);
  const from = mount.from === undefined ? undefined : await tools.other(mount.from);
  const cache = { build, mount, id: mount.id ?? target, from };
  const base = `build-cache-${sha256(cache.id).slice(0, 16)}`;
  return {
    // What is in a cache is no part of what a step depends on.
    key: mount.spec,
    attach: async (_, held) => {
      const name = await takeCache(cache, base, held);
      const request: MountRequest = {
        ...commonOf(mount, target),
        readOnly: mount.readOnly ?? false,
        type: 'volume',
        source: name,
        ...(from === undefined ? subpathOf(mount) : {}),
        noCopy: true,
        labels: {},
        driverOptions: {},
      };
      return { mount: { origin: 'mount', request } };
    },
  };
}

/** Without `from` the source is a directory of the cache itself. */
function subpathOf({ source = '' }: RunMount): { readonly subpath?: string } {
  const subpath = posix.join('/', source).replace(/^\/|\/$/g, '');
  return subpath === '' ? {} : { subpath };
}

/** The volume, made and locked as its sharing says. @returns its name. */
async function takeCache(cache: Cache, base: string, held: FileLock[]): Promise<string> {
  const { store } = cache.build.tools;
  const { sharing } = cache.mount;
  for (let attempt = 0; attempt < MAX_PRIVATE; attempt += 1) {
    const name = attempt === 0 ? base : `${base}-${attempt}`;
    await makeCache(cache, name);
    if (sharing === 'shared') return name;
    const path = store.path(volumeHome(name), '.build.lock');
    const lock = sharing === 'locked' ? await lockFilePatiently(path, LOCK_POLL_MS) : tryLockFile(path);
    if (lock === undefined) continue;
    held.push(lock);
    return name;
  }
  throw new UserError(`${MAX_PRIVATE} builds use the cache '${cache.id}' already`);
}

async function makeCache({ build, mount, id, from }: Cache, name: string): Promise<void> {
  const { store } = build.tools;
  const { made } = createVolume(store, { name, labels: { [CACHE_LABEL]: id } });
  if (!made) return;
  const data = store.path(volumeData(name));
  if (from !== undefined) await fill({ store, data, name }, build, { from, source: mount.source ?? '' });
  const { uid, gid, mode } = mount;
  if (uid !== undefined || gid !== undefined) chownSync(data, uid ?? 0, gid ?? 0);
  if (mode !== undefined || from === undefined) chmodSync(data, mode ?? 0o755);
}

interface NewVolume {
  readonly store: Store;
  readonly data: string;
  readonly name: string;
}

async function fill(
  { store, data, name }: NewVolume,
  build: StageBuild,
  { from, source }: { readonly from: OtherTree; readonly source: string },
): Promise<void> {
  const path = posix.join('/', source).replace(/^\/|\/$/g, '');
  const home = store.path(volumeHome(name));
  if ('context' in from) copyInto(home, from.context.source, path);
  else {
    await using opened = await openImageSource(build.tools, from.layers);
    copyInto(home, opened.source, path);
  }
  rmSync(data, { recursive: true });
  renameSync(join(home, 'source'), data);
}
