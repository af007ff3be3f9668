/**
 * The JSON of an image from outside: of the fields that plyfs reads, each has its type, or the image is refused. What tools
 * leave out, or write as null, is not there; a command may be text, as Docker reads it.
 */

import { UserError } from '../../errno/user-error.js';
import { checkDigest } from './digest.js';
import type {
  Descriptor,
  Digest,
  HistoryEntry,
  ImageConfig,
  Index,
  Manifest,
  Platform,
  RunConfig,
} from './oci.js';

type Fields = Readonly<Record<string, unknown>>;

/** Docker's limit as well: overlayfs takes 500 layers at most. */
export const MAX_IMAGE_LAYERS = 500;

/** @throws UserError */
export function parseJson(bytes: Buffer, what: string): Fields {
  let value: unknown;
  try {
    value = JSON.parse(bytes.toString('utf8'));
  } catch (error) {
    throw new UserError(`invalid image: ${what} is no JSON`, { cause: error });
  }
  return fieldsOf(value, what);
}

export function fieldsOf(value: unknown, what: string): Fields {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Fields;
  throw wrong(what, 'is no object');
}

export function listOf(value: unknown, what: string): readonly unknown[] {
  if (Array.isArray(value)) return value;
  throw wrong(what, 'is no list');
}

export function textField(value: unknown, what: string): string {
  if (typeof value === 'string') return value;
  throw wrong(what, 'is no text');
}

/** @throws UserError */
export function checkIndex(value: unknown, what: string): Index {
  const fields = fieldsOf(value, what);
  const manifests = listOf(fields.manifests ?? [], `the list in ${what}`);
  return {
    ...(fields as object),
    schemaVersion: 2,
    manifests: manifests.map((one) => checkDescriptor(one, `an entry of ${what}`)),
  };
}

/** @throws UserError */
export function checkManifest(value: unknown): Manifest {
  const what = 'the manifest';
  const fields = fieldsOf(value, what);
  if ((fields.schemaVersion ?? 2) !== 2) {
    throw wrong(what, `has the version '${String(fields.schemaVersion)}'`, 'only version 2 is supported');
  }
  const layers = listOf(fields.layers ?? [], 'the list of layers');
  if (layers.length > MAX_IMAGE_LAYERS) throw wrong(what, `has more than ${MAX_IMAGE_LAYERS} layers`);
  return {
    ...(fields as object),
    schemaVersion: 2,
    config: checkDescriptor(fields.config, 'the config of the manifest'),
    layers: layers.map((one) => checkDescriptor(one, 'a layer of the manifest')),
  };
}

/** @throws UserError */
export function checkDescriptor(value: unknown, what: string): Descriptor {
  const fields = fieldsOf(value, what);
  const { size, platform, annotations } = fields;
  if (typeof size !== 'number' || !Number.isSafeInteger(size) || size < 0) {
    throw wrong(what, `has the size '${String(size)}'`);
  }
  const { platform: _, annotations: __, urls, ...rest } = fields;
  return {
    ...(rest as object),
    mediaType: textField(fields.mediaType ?? '', `the type of ${what}`),
    digest: checkDigest(fields.digest, what),
    size,
    ...(urls === undefined || urls === null
      ? {}
      : {
          urls: listOf(urls, `the addresses of ${what}`).map((one) =>
            textField(one, `an address of ${what}`),
          ),
        }),
    ...(platform === undefined || platform === null ? {} : { platform: checkPlatform(platform, what) }),
    ...(annotations === undefined || annotations === null
      ? {}
      : { annotations: checkTexts(annotations, `the annotations of ${what}`) }),
  };
}

function checkPlatform(value: unknown, what: string): Platform {
  const fields = fieldsOf(value, `the platform of ${what}`);
  return {
    ...(fields as object),
    architecture: textField(fields.architecture ?? '', `the architecture of ${what}`),
    os: textField(fields.os ?? '', `the os of ${what}`),
  };
}

function checkTexts(value: unknown, what: string): Readonly<Record<string, string>> {
  const fields = fieldsOf(value, what);
  for (const text of Object.values(fields)) textField(text, `one of ${what}`);
  return fields as Readonly<Record<string, string>>;
}

/** @throws UserError */
export function checkConfig(value: unknown, layerCount: number): ImageConfig {
  const what = 'the config';
  const config = readImageConfig(value);
  const count = config.rootfs.diff_ids.length;
  if (count === layerCount) return config;
  throw wrong(what, `speaks of ${count} layers, and there are ${layerCount}`);
}

/** A config, of outside or of the store, where its bytes are kept as they came. @throws UserError */
export function readImageConfig(value: unknown): ImageConfig {
  const what = 'the config';
  const fields = withoutNulls(fieldsOf(value, what));
  const rootfs = fieldsOf(fields.rootfs ?? {}, 'rootfs of the config');
  if ((rootfs.type ?? 'layers') !== 'layers') {
    throw wrong('rootfs of the config', `has the type '${String(rootfs.type)}'`);
  }
  const diffIds = listOf(rootfs.diff_ids ?? [], 'the list of diff_ids');
  const { config, history, created, ...rest } = fields;
  const runConfig = config === undefined ? undefined : readRunConfig(config);
  const lines = listOf(history ?? [], 'the history').map(readHistory);
  return {
    ...(rest as object),
    ...(runConfig === undefined ? {} : { config: runConfig }),
    ...(history === undefined ? {} : { history: lines }),
    ...(created === undefined ? {} : { created: textField(created, 'the date') }),
    architecture: textField(fields.architecture ?? '', 'the architecture'),
    os: textField(fields.os ?? '', 'the os'),
    rootfs: {
      type: 'layers',
      diff_ids: diffIds.map((one): Digest => checkDigest(one, 'a layer of the config')),
    },
  };
}

function withoutNulls(fields: Fields): Fields {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== null));
}

function readHistory(value: unknown): HistoryEntry {
  const what = 'a line of the history';
  const fields = withoutNulls(fieldsOf(value, what));
  for (const key of ['created', 'created_by', 'author', 'comment']) {
    textField(fields[key] ?? '', `${key} of ${what}`);
  }
  return fields;
}

const LISTS = ['Env', 'OnBuild'];
/** Text is a command of one word. */
const COMMANDS = ['Entrypoint', 'Cmd', 'Shell'];
const MAPS = ['Volumes', 'Labels', 'ExposedPorts'];
const TEXTS = ['User', 'WorkingDir', 'StopSignal'];

function readRunConfig(value: unknown): RunConfig {
  const fields: Record<string, unknown> = { ...withoutNulls(fieldsOf(value, 'config of the config')) };
  for (const key of COMMANDS) if (typeof fields[key] === 'string') fields[key] = [fields[key]];
  for (const key of [...LISTS, ...COMMANDS]) {
    for (const word of listOf(fields[key] ?? [], `${key} of the config`)) {
      textField(word, `a word of ${key} of the config`);
    }
  }
  for (const key of MAPS) fieldsOf(fields[key] ?? {}, `${key} of the config`);
  for (const text of Object.values(fieldsOf(fields.Labels ?? {}, 'Labels'))) textField(text, 'a label');
  for (const key of TEXTS) textField(fields[key] ?? '', `${key} of the config`);
  return fields;
}

function wrong(what: string, why: string, hint?: string): UserError {
  return new UserError(`invalid image: ${what} ${why}`, { hint });
}
