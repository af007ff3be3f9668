/**
 * Making volumes.
 *
 * A volume is built in a hidden directory and appears by one rename, with its record: there is no half-made one. A
 * directory without a record that somebody has put in its place (a backup restored by hand) is taken as the volume's.
 */

import { statSync } from 'node:fs';
import { UserError } from '../errno/user-error.js';
import type { VolumeRequest } from '../mounts/request/types.js';
import type { Intent } from '../store/intent.js';
import type { Store } from '../store/store.js';
import { volumeHome } from '../store/volume-home.js';
import {
  ANONYMOUS_LABEL,
  readVolume,
  type VolumePurpose,
  type VolumeRecord,
  writeVolume,
} from '../store/volume-record.js';
import { backingOf, checkDriver, type DriverOptions } from './backing/driver-options.js';
import { furnish, StagedVolume } from './staged-volume.js';
import { checkVolumeName, newAnonymousName } from './volume-names.js';

interface VolumeOptions {
  /** Undefined: an anonymous volume. */
  readonly name?: string | undefined;
  readonly labels?: Readonly<Record<string, string>> | undefined;
  readonly driver?: string | undefined;
  readonly options?: DriverOptions | undefined;
  /** What an anonymous volume is made for. */
  readonly madeFor?: VolumePurpose | undefined;
}

interface CreatedVolume {
  readonly record: VolumeRecord;
  /** False: it was there already. */
  readonly made: boolean;
}

/**
 * Makes the volume, or finds the one with the same name and options.
 *
 * @param undo of a larger change: an anonymous volume goes when that is undone. A named one stays, since others may
 *   use it by then.
 * @throws UserError for a name or options that cannot be, or when it exists with others.
 */
export function createVolume(store: Store, options: VolumeOptions, undo?: Intent): CreatedVolume {
  const record = recordOf(options);
  const known = readVolume(store, record.name);
  if (known !== undefined) return { record: same(known, record), made: false };
  using staged = new StagedVolume(store, record);
  return store.locked(() => {
    const other = readVolume(store, record.name);
    if (other !== undefined) return { record: same(other, record), made: false };
    if (isDirectory(store.path(volumeHome(record.name))))
      return { record: adopt(store, record), made: false };
    if (isAnonymous(record)) undo?.add({ do: 'remove', path: volumeHome(record.name) });
    staged.publish();
    return { record, made: true };
  });
}

/**
 * The volume that a mount asks for, made when it is missing; options count only when the request has some.
 * @throws UserError as createVolume().
 */
export function ensureVolume(
  store: Store,
  request: VolumeRequest,
  { undo, madeFor, name = request.source }: EnsureOptions = {},
): CreatedVolume {
  const known = name === undefined ? undefined : readVolume(store, name);
  const hasOptions = Object.keys(request.driverOptions).length > 0;
  checkDriver(request.driver);
  if (known !== undefined && !hasOptions) return { record: known, made: false };
  const anonymous = request.source === undefined;
  const options: VolumeOptions = {
    name,
    labels: anonymous ? { ...request.labels, [ANONYMOUS_LABEL]: '' } : hasNone(request.labels, known),
    options: request.driverOptions,
    ...(anonymous ? { madeFor } : {}),
  };
  return createVolume(store, options, undo);
}

interface EnsureOptions {
  readonly undo?: Intent | undefined;
  readonly madeFor?: VolumePurpose | undefined;
  /** Chosen before for an anonymous volume. */
  readonly name?: string | undefined;
}

/** A mount's labels are for a volume that it makes. */
function hasNone(labels: Readonly<Record<string, string>>, known: VolumeRecord | undefined) {
  return known === undefined ? labels : undefined;
}

/** The record of a new volume. @throws UserError for a name, driver or options that cannot be. */
export function recordOf(options: VolumeOptions): VolumeRecord {
  checkDriver(options.driver);
  const driverOptions = options.options ?? {};
  backingOf(driverOptions);
  if (options.name !== undefined) checkVolumeName(options.name);
  const anonymous = options.name === undefined ? { [ANONYMOUS_LABEL]: '' } : {};
  return {
    name: options.name ?? newAnonymousName(),
    createdAt: new Date().toISOString(),
    labels: { ...options.labels, ...anonymous },
    driver: 'local',
    options: driverOptions,
    ...(options.madeFor === undefined ? {} : { madeFor: options.madeFor }),
  };
}

/** Made for one container or mount, and named by nobody. */
export function isAnonymous({ labels }: VolumeRecord): boolean {
  return Object.hasOwn(labels, ANONYMOUS_LABEL);
}

function same(known: VolumeRecord, wanted: VolumeRecord): VolumeRecord {
  if (!isEqual(known.options, wanted.options)) {
    throw new UserError(`volume '${known.name}' exists with other options: ${optionText(known.options)}`, {
      hint: 'choose another name, or remove it first',
    });
  }
  const differs = Object.entries(wanted.labels).find(([key, value]) => known.labels[key] !== value);
  if (differs !== undefined) {
    throw new UserError(`volume '${known.name}' exists without the label '${differs.join('=')}'`, {
      hint: 'choose another name, or remove it first',
    });
  }
  return known;
}

function isEqual(a: DriverOptions, b: DriverOptions): boolean {
  const keys = Object.keys(a);
  return keys.length === Object.keys(b).length && keys.every((key) => a[key] === b[key]);
}

function optionText(options: DriverOptions): string {
  const texts = Object.entries(options).map(([key, value]) => `${key}=${value}`);
  return texts.length === 0 ? 'none' : texts.join(' ');
}

function adopt(store: Store, record: VolumeRecord): VolumeRecord {
  furnish(store.path(volumeHome(record.name)), record);
  writeVolume(store, record);
  return record;
}

function isDirectory(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() === true;
}
