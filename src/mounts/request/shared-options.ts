/**
 * The options that plyfs adds to every kind of mount, in `-v` and `--mount` alike; Docker has none of them.
 *
 *   uidmap=C:H:L[;C:H:L...]  gidmap=...   container id, host id, length; a repeated key appends
 *   squash=UID:GID                        all files show as this owner
 *   timeout=5s | 500ms | 2m | 5           a bare number is seconds
 *   exclude=PATH|GLOB                     of binds alone: directories that are the container's own; a repeated key appends
 *   remote[=on|off]                       a thread of its own, or never one; true, false, 1, 0 do as well
 */

import { UserError } from '../../errno/user-error.js';
import type { IdRange } from '../../realfs/id-ranges.js';
import type { MountCommon, OwnerMapping, Squash } from './types.js';

/** 2^32 - 1 is "no id" to the kernel. */
const MAX_ID = 0xffff_fffe;
const MAX_TIMEOUT_MS = 0x7fff_ffff;

/** What was given so far; the parsers fill it, `finishShared()` judges the whole. */
export interface SharedDraft {
  uidmap: readonly IdRange[];
  gidmap: readonly IdRange[];
  squash?: Squash;
  timeoutMs?: number;
  remote?: boolean;
  /** For binds alone. */
  exclude: readonly string[];
}

export function newSharedDraft(): SharedDraft {
  return { uidmap: [], gidmap: [], exclude: [] };
}

/** What the option changes in the draft. */
type Setter = (value: string, draft: SharedDraft) => Partial<SharedDraft>;

const setters: ReadonlyMap<string, Setter> = new Map<string, Setter>([
  ['uidmap', (value, { uidmap }) => ({ uidmap: [...uidmap, ...parseIdRanges('uidmap', value)] })],
  ['gidmap', (value, { gidmap }) => ({ gidmap: [...gidmap, ...parseIdRanges('gidmap', value)] })],
  ['squash', (value) => ({ squash: parseSquash(value) })],
  ['timeout', (value) => ({ timeoutMs: parseTimeout(value) })],
  ['exclude', (value, { exclude }) => ({ exclude: [...exclude, parseExclusion(value)] })],
  ['remote', (value) => ({ remote: parseSwitch('remote', value) })],
]);

/** Whether the key is one of these options. */
export function isSharedOption(key: string): boolean {
  return setters.has(key);
}

/**
 * Takes one option in.
 * PRECONDITION: `isSharedOption(key)`.
 * @throws UserError for a missing or wrong value.
 */
export function setSharedOption(draft: SharedDraft, key: string, value: string | undefined): void {
  if (value === undefined && key !== 'remote')
    throw new UserError(`invalid field '${key}' must be a key=value pair`);
  Object.assign(draft, setters.get(key)!(value ?? 'true', draft));
}

/**
 * The fields for a MountRequest.
 * @throws UserError for maps that overlap, or squash beside a map.
 */
export function finishShared(draft: SharedDraft): Pick<MountCommon, 'owners' | 'timeoutMs' | 'remote'> {
  refuseOverlap('uidmap', draft.uidmap);
  refuseOverlap('gidmap', draft.gidmap);
  const mapped = draft.uidmap.length > 0 || draft.gidmap.length > 0;
  if (draft.squash && mapped) throw new UserError("cannot mix 'squash' with 'uidmap' or 'gidmap'");
  const owners: OwnerMapping = {
    ...(draft.uidmap.length > 0 && { uidmap: draft.uidmap }),
    ...(draft.gidmap.length > 0 && { gidmap: draft.gidmap }),
    ...(draft.squash && { squash: draft.squash }),
  };
  return {
    ...((mapped || draft.squash) && { owners }),
    ...(draft.timeoutMs !== undefined && { timeoutMs: draft.timeoutMs }),
    ...(draft.remote !== undefined && { remote: draft.remote }),
  };
}

/**
 * `1`, `true`, `0`, `false` and nothing else, as docker/cli.
 * @throws UserError
 */
export function parseBoolean(key: string, value: string): boolean {
  if (value === '1' || value === 'true') return true;
  if (value === '0' || value === 'false') return false;
  throw new UserError(
    `invalid value for '${key}': invalid boolean value ("${value}"): ` +
      'must be one of "true", "1", "false", or "0" (default "true")',
  );
}

/** As a boolean, or `on` and `off`. */
function parseSwitch(key: string, value: string): boolean {
  if (value === 'on') return true;
  return value === 'off' ? false : parseBoolean(key, value);
}

/** A user or group id; undefined when it is none. */
export function parseId(text: string): number | undefined {
  if (!/^\d{1,10}$/.test(text)) return undefined;
  const id = Number(text);
  return id <= MAX_ID ? id : undefined;
}

function parseIdRanges(key: string, value: string): IdRange[] {
  return value.split(';').map((triple) => {
    const numbers = triple.split(':').map(parseId);
    const [container, host, length] = numbers;
    if (numbers.length !== 3 || container === undefined || host === undefined || length === undefined) {
      throw new UserError(`invalid value for '${key}': '${triple}' must be CONTAINER:HOST:LENGTH`);
    }
    if (length === 0 || container + length - 1 > MAX_ID || host + length - 1 > MAX_ID) {
      throw new UserError(`invalid value for '${key}': '${triple}' must hold from 1 to ${MAX_ID} ids`);
    }
    return { container, host, length };
  });
}

function refuseOverlap(key: string, ranges: readonly IdRange[]): void {
  for (const side of ['container', 'host'] as const) {
    const sorted = ranges.toSorted((a, b) => a[side] - b[side]);
    for (const [index, range] of sorted.entries()) {
      const next = sorted[index + 1];
      if (next && range[side] + range.length > next[side]) {
        throw new UserError(`invalid value for '${key}': ${side} id ${next[side]} is mapped twice`);
      }
    }
  }
}

function parseSquash(value: string): Squash {
  const ids = value.split(':').map(parseId);
  const [uid, gid] = ids;
  if (ids.length !== 2 || uid === undefined || gid === undefined) {
    throw new UserError(`invalid value for 'squash': '${value}' must be UID:GID`);
  }
  return { uid, gid };
}

/** Relative to the target, clean. */
function parseExclusion(value: string): string {
  const names = value.split('/').filter((name) => name !== '' && name !== '.');
  if (names.length > 0 && !value.startsWith('/') && !names.includes('..') && !value.includes('\0'))
    return names.join('/');
  throw new UserError(`invalid value for 'exclude': '${value}' must be a path or glob below the target`, {
    hint: 'write it as in exclude=node_modules or exclude=**/node_modules',
  });
}

function parseTimeout(value: string): number {
  const match = /^(\d+(?:\.\d+)?)(ms|s|m)?$/.exec(value);
  const unitMs = { ms: 1, s: 1000, m: 60_000 }[match?.[2] ?? 's'];
  const timeoutMs = match && unitMs ? Math.round(Number(match[1]) * unitMs) : 0;
  if (timeoutMs < 1 || timeoutMs > MAX_TIMEOUT_MS) {
    throw new UserError(`invalid value for 'timeout': '${value}'`, {
      hint: 'write it as in 500ms, 5s or 2m',
    });
  }
  return timeoutMs;
}
