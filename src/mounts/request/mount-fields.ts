/**
 * The keys of `--mount`, one table row each: how a field fills the draft that `mount-spec.ts` then judges as a whole.
 *
 * Key names, aliases and error texts are docker/cli's (opts/mount.go, 2026). A repeated key: the later wins, except
 * for labels, driver options and id maps, which add up.
 */

import { UserError } from '../../errno/user-error.js';
import { consistencyModes, noticeFor } from './modes.js';
import {
  isSharedOption,
  newSharedDraft,
  parseBoolean,
  type SharedDraft,
  setSharedOption,
} from './shared-options.js';
import { parseSize } from './size.js';
import type { BindRecursion } from './types.js';

export interface MountDraft {
  type: string;
  source?: string;
  target: string;
  readOnly?: boolean;
  propagation?: string;
  recursive?: BindRecursion;
  createSource?: boolean;
  cow?: boolean;
  merge?: boolean;
  volumeSubpath?: string;
  noCopy?: boolean;
  labels: ReadonlyMap<string, string>;
  driver?: string;
  driverOptions: ReadonlyMap<string, string>;
  imageSubpath?: string;
  sizeBytes?: number;
  mode?: number;
  readonly shared: SharedDraft;
  notices: ReadonlySet<string>;
  /** Keys as given, lower case. */
  readonly keys: Set<string>;
}

export function newMountDraft(): MountDraft {
  return {
    type: 'volume',
    target: '',
    labels: new Map(),
    driverOptions: new Map(),
    shared: newSharedDraft(),
    notices: new Set(),
    keys: new Set(),
  };
}

/** Keys that may stand without a value and then mean true. */
const booleanKeys: ReadonlySet<string> = new Set([
  'readonly',
  'ro',
  'volume-nocopy',
  'bind-nonrecursive',
  'bind-create-src',
  'remote',
  'cow',
  'merge',
]);

const recursions: ReadonlySet<string> = new Set(['enabled', 'disabled', 'writable', 'readonly']);

/** What the field changes in the draft. */
type Setter = (value: string, key: string, draft: MountDraft) => Partial<MountDraft>;

const setSource: Setter = (source) => ({ source });
const setTarget: Setter = (target) => ({ target });
const setReadOnly: Setter = (value, key) => ({ readOnly: parseBoolean(key, value) });

const setters: ReadonlyMap<string, Setter> = new Map<string, Setter>([
  ['type', (value) => ({ type: value.toLowerCase() })],
  ['source', setSource],
  ['src', setSource],
  ['target', setTarget],
  ['dst', setTarget],
  ['destination', setTarget],
  ['readonly', setReadOnly],
  ['ro', setReadOnly],
  ['consistency', setConsistency],
  ['bind-propagation', (value) => ({ propagation: value.toLowerCase() })],
  ['bind-recursive', setRecursion],
  ['bind-nonrecursive', refuseNonRecursive],
  ['bind-create-src', (value, key) => ({ createSource: parseBoolean(key, value) })],
  ['cow', (value, key) => ({ cow: parseBoolean(key, value) })],
  ['merge', (value, key) => ({ merge: parseBoolean(key, value) })],
  ['volume-subpath', (value) => ({ volumeSubpath: value })],
  ['volume-nocopy', (value, key) => ({ noCopy: parseBoolean(key, value) })],
  ['volume-label', (value, key, draft) => ({ labels: addPair(draft.labels, key, value) })],
  ['volume-driver', (value) => ({ driver: value })],
  ['volume-opt', (value, key, draft) => ({ driverOptions: addPair(draft.driverOptions, key, value) })],
  ['image-subpath', (value) => ({ imageSubpath: value })],
  ['tmpfs-size', (value) => ({ sizeBytes: parseTmpfsSize(value) })],
  ['tmpfs-mode', (value) => ({ mode: parseTmpfsMode('tmpfs-mode', value) })],
]);

/**
 * Takes one `key[=value]` field in.
 * @throws UserError
 */
export function setMountField(draft: MountDraft, field: string): void {
  const equals = field.indexOf('=');
  const rawKey = equals < 0 ? field : field.slice(0, equals);
  const value = equals < 0 ? undefined : field.slice(equals + 1);
  refuseBlanks(rawKey, value, field);
  const key = rawKey.toLowerCase();
  if (value === undefined && !booleanKeys.has(key)) {
    throw new UserError(`invalid field '${field}' must be a key=value pair`);
  }
  draft.keys.add(key);
  if (isSharedOption(key)) {
    setSharedOption(draft.shared, key, value);
    return;
  }
  const setter = setters.get(key);
  if (!setter) throw new UserError(`unknown option '${key}' in '${field}'`);
  Object.assign(draft, setter(value ?? 'true', key, draft));
}

/**
 * Permission bits in octal.
 * @throws UserError
 */
export function parseTmpfsMode(key: string, value: string): number {
  const mode = /^[0-7]{1,6}$/.test(value) ? Number.parseInt(value, 8) : Number.NaN;
  if (!(mode <= 0o7777)) {
    throw new UserError(`invalid value for ${key}: ${value}`, { hint: 'write it in octal, as in 1777' });
  }
  return mode;
}

function refuseBlanks(key: string, value: string | undefined, field: string): void {
  if (key !== key.trim()) {
    throw new UserError(`invalid option '${key.trim()}' in '${field}': option should not have whitespace`);
  }
  if (value === undefined) return;
  if (value.trim() === '') throw new UserError(`invalid value for '${key}': value is empty`);
  if (value !== value.trim()) {
    throw new UserError(`invalid value for '${key}' in '${field}': value should not have whitespace`);
  }
}

function setConsistency(value: string, _key: string, draft: MountDraft): Partial<MountDraft> {
  const mode = value.toLowerCase();
  if (!consistencyModes.has(mode) && mode !== 'default') {
    const allowed = '"consistent", "cached", "delegated", or "default"';
    throw new UserError(`invalid value for consistency: ${value} (must be ${allowed})`);
  }
  const notice = noticeFor(mode);
  return notice ? { notices: new Set([...draft.notices, notice]) } : {};
}

function setRecursion(value: string, key: string): Partial<MountDraft> {
  if (!recursions.has(value)) {
    const allowed = '"enabled", "disabled", "writable", or "readonly"';
    throw new UserError(`invalid value for ${key}: ${value} (must be ${allowed})`);
  }
  return { recursive: value as BindRecursion };
}

function refuseNonRecursive(): never {
  throw new UserError('bind-nonrecursive is deprecated, use bind-recursive=disabled instead');
}

function addPair(pairs: ReadonlyMap<string, string>, key: string, value: string): Map<string, string> {
  const equals = value.indexOf('=');
  const name = equals < 0 ? value : value.slice(0, equals);
  if (name === '') throw new UserError(`invalid value for '${key}': '${value}' has no name before '='`);
  return new Map([...pairs, [name, equals < 0 ? '' : value.slice(equals + 1)]]);
}

function parseTmpfsSize(value: string): number {
  try {
    return parseSize(value);
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    throw new UserError(`invalid value for tmpfs-size: ${value}`, { hint: error.hint });
  }
}

/** @throws UserError when none was given. */
export function requireSource(draft: MountDraft): string {
  if (draft.source === undefined) throw new UserError('field Source must not be empty');
  return draft.source;
}
