/**
 * What a volume's driver and options mean: a plain directory, a file system that mount(8) mounts on `_data`, or an
 * ext4 image of a given size.
 *
 * Options are Docker's of its driver `local` (`type`, `device`, `o`), with its error texts, `size`, and those of every mount that
 * plyfs has (`timeout`, `uidmap`, `gidmap`, `squash`, `remote`): they hold for all mounts of the volume that say nothing else.
 */

import { UserError, withPrefix } from '../../errno/user-error.js';
import {
  finishShared,
  isSharedOption,
  newSharedDraft,
  setSharedOption,
} from '../../mounts/request/shared-options.js';
import { parseSize } from '../../mounts/request/size.js';
import type { MountCommon, VolumeRequest } from '../../mounts/request/types.js';
import { StoreView } from '../../store/store-view.js';
import { readVolume } from '../../store/volume-record.js';

/** How `_data` gets its content. */
export type Backing =
  | { readonly kind: 'directory' }
  | { readonly kind: 'mount'; readonly type: string; readonly device: string; readonly options: string }
  | { readonly kind: 'image'; readonly sizeBytes: number };

export type DriverOptions = Readonly<Record<string, string>>;

type SharedOptions = Pick<MountCommon, 'owners' | 'timeoutMs' | 'remote'>;

const KNOWN = ['type', 'device', 'o', 'size'];
const SHARED = ['timeout', 'uidmap', 'gidmap', 'squash', 'remote'];
/** Below it ext4 has no room for itself. */
const MIN_IMAGE_BYTES = 1024 * 1024;

/** @throws UserError for another driver than `local`. */
export function checkDriver(driver: string | undefined): void {
  if (driver === undefined || driver === '' || driver === 'local') return;
  throw new UserError(`no such volume driver: '${driver}'`, {
    hint: "there is 'local', which mounts what mount(8) can: --opt type= --opt device= --opt o=",
  });
}

/** @throws UserError for options that are unknown, missing or do not go together. */
export function backingOf(options: DriverOptions): Backing {
  for (const [key, value] of Object.entries(options)) {
    if (!KNOWN.includes(key) && !isSharedOption(key)) {
      const hint = `there are ${[...KNOWN, ...SHARED].join(', ')}`;
      throw new UserError(`invalid volume option: '${key}'`, { hint });
    }
    if (value.includes('\0')) throw new UserError(`invalid volume option '${key}': it holds a NUL byte`);
  }
  sharedOptionsOf(options);
  const { type, device, o, size } = options;
  if (type === undefined && device === undefined && o === undefined) {
    return size === undefined ? { kind: 'directory' } : { kind: 'image', sizeBytes: imageBytes(size) };
  }
  if (type === undefined || type === '') throw missing('type');
  if (device === undefined || device === '') throw missing('device');
  const all = [o ?? '', size === undefined ? '' : tmpfsSize(type, size)].filter((part) => part !== '');
  return { kind: 'mount', ...deviceOf(type, device, all.join(',')) };
}

/** What each mount of the volume has, unless it says otherwise. @throws UserError */
export function sharedOptionsOf(options: DriverOptions): SharedOptions {
  const draft = newSharedDraft();
  for (const [key, value] of Object.entries(options)) {
    if (!isSharedOption(key)) continue;
    withPrefix(`invalid volume option '${key}=${value}'`, () => setSharedOption(draft, key, value));
  }
  return finishShared(draft);
}

/**
 * The request of a mount with what the volume's own options say beside it.
 * @param root of the store.
 * @throws UserError for a record that cannot be read.
 */
export function withVolumeOptions(root: string, request: VolumeRequest): VolumeRequest {
  if (request.source === undefined) return request;
  const options = readVolume(new StoreView(root), request.source)?.options ?? request.driverOptions;
  return { ...sharedOptionsOf(options), ...request };
}

function missing(key: string): UserError {
  return new UserError(`missing required volume option: '${key}'`, {
    hint: 'as in --opt type=nfs --opt device=server:/path --opt o=ro',
  });
}

function imageBytes(size: string): number {
  const sizeBytes = parseBytes(size);
  if (sizeBytes < MIN_IMAGE_BYTES) {
    throw new UserError(`invalid volume option 'size=${size}': less than 1 MiB`);
  }
  return sizeBytes;
}

function tmpfsSize(type: string, size: string): string {
  if (type === 'tmpfs') return `size=${parseBytes(size)}`;
  throw new UserError(`invalid volume option 'size=${size}': a size cannot be kept on type '${type}'`, {
    hint: 'limit it where that storage is kept',
  });
}

function parseBytes(size: string): number {
  return withPrefix(`invalid volume option 'size=${size}'`, () => parseSize(size));
}

/** `device=:/path` with `o=addr=HOST` is how Docker writes an NFS source, since it calls mount(2) itself. */
function deviceOf(
  type: string,
  device: string,
  options: string,
): { type: string; device: string; options: string } {
  if (!/^nfs4?$/.test(type) || !device.startsWith(':')) return { type, device, options };
  const parts = options.split(',');
  const address = parts.find((part) => part.startsWith('addr='))?.slice('addr='.length);
  if (address === undefined) return { type, device, options };
  const host = address.includes(':') ? `[${address}]` : address;
  return {
    type,
    device: `${host}${device}`,
    options: parts.filter((part) => !part.startsWith('addr=')).join(','),
  };
}
