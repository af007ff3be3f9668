/**
 * The flags of RUN: `--mount=type=bind|cache|tmpfs|secret|ssh,...`, `--network`, `--security`.
 *
 * Keys and defaults are those of BuildKit's frontend (its reference, "RUN --mount").
 */

import { type Instruction, wrongAt } from '../../../dockerfile/dockerfile.js';
import { expandValue, type Lookup } from '../../../dockerfile/words.js';
import { UserError } from '../../../errno/user-error.js';
import { parseCsvRecord } from '../../../mounts/request/csv.js';
import { parseSize } from '../../../mounts/request/size.js';

export type RunMountType = 'bind' | 'cache' | 'tmpfs' | 'secret' | 'ssh';
type CacheSharing = 'shared' | 'private' | 'locked';

export interface RunMount {
  readonly type: RunMountType;
  /** As it was written, variables replaced. */
  readonly spec: string;
  /** Undefined: that of the type, or WORKDIR. */
  readonly target: string | undefined;
  readonly source: string | undefined;
  readonly from: string | undefined;
  readonly id: string | undefined;
  /** Environment variable for a secret. */
  readonly env: string | undefined;
  readonly readOnly: boolean | undefined;
  readonly required: boolean;
  readonly sharing: CacheSharing;
  readonly sizeBytes: number | undefined;
  readonly mode: number | undefined;
  readonly uid: number | undefined;
  readonly gid: number | undefined;
}

interface RunOptions {
  readonly mounts: readonly RunMount[];
  /** Undefined: that of the build. */
  readonly network: RunNetwork | undefined;
  /** `--security=insecure`: as in a container with `--privileged`. */
  readonly isInsecure: boolean;
}

export type RunNetwork = 'none' | 'host';

type Draft = { -readonly [K in keyof RunMount]: RunMount[K] };
type Take = (draft: Draft, value: string) => void;

const NAMES: Readonly<Record<string, string>> = {
  src: 'source',
  dst: 'target',
  destination: 'target',
  ro: 'readonly',
  rw: 'readwrite',
};

const KEYS: Readonly<Record<RunMountType, readonly string[]>> = {
  bind: ['target', 'source', 'from', 'readonly', 'readwrite'],
  cache: ['target', 'source', 'from', 'id', 'readonly', 'readwrite', 'sharing', 'mode', 'uid', 'gid'],
  tmpfs: ['target', 'size', 'readonly', 'readwrite'],
  secret: ['target', 'source', 'id', 'required', 'env', 'mode', 'uid', 'gid', 'readonly', 'readwrite'],
  ssh: ['target', 'id', 'required', 'mode', 'uid', 'gid', 'readonly', 'readwrite'],
};

const SHARING: readonly CacheSharing[] = ['shared', 'private', 'locked'];

const TAKE: Readonly<Record<string, Take>> = {
  target: (draft, value) => {
    draft.target = value;
  },
  source: (draft, value) => {
    draft.source = value;
  },
  from: (draft, value) => {
    draft.from = value;
  },
  id: (draft, value) => {
    draft.id = value;
  },
  env: (draft, value) => {
    draft.env = value;
  },
  readonly: (draft, value) => {
    draft.readOnly = truth(value);
  },
  readwrite: (draft, value) => {
    draft.readOnly = !truth(value);
  },
  required: (draft, value) => {
    draft.required = truth(value);
  },
  sharing: (draft, value) => {
    const sharing = SHARING.find((one) => one === value.toLowerCase());
    if (sharing === undefined) throw new UserError(`'sharing=${value}' is not shared, private or locked`);
    draft.sharing = sharing;
  },
  size: (draft, value) => {
    draft.sizeBytes = parseSize(value);
  },
  mode: (draft, value) => {
    if (!/^0*[0-7]{1,4}$/.test(value))
      throw new UserError(`invalid mode '${value}'`, { hint: 'write it as 0755' });
    draft.mode = Number.parseInt(value, 8);
  },
  uid: (draft, value) => {
    draft.uid = id(value);
  },
  gid: (draft, value) => {
    draft.gid = id(value);
  },
};

const NETWORKS: readonly string[] = ['default', 'none', 'host'];
const SECURITY: readonly string[] = ['sandbox', 'insecure'];

/** @throws UserError for a flag or key that means nothing, or what cannot be had here. */
export function runOptions(instruction: Instruction, lookup: Lookup): RunOptions {
  const mounts: RunMount[] = [];
  const expand = (text: string): string => expandValue(text, lookup, instruction.escape);
  let network: RunNetwork | undefined;
  let isInsecure = false;
  for (const { name, value } of instruction.flags) {
    if (name === 'mount') {
      mounts.push(parseRunMount(value ?? '', expand));
      continue;
    }
    const text = expand(value ?? '').toLowerCase();
    if (name === 'network') {
      if (!NETWORKS.includes(text)) throw wrongAt(instruction, `'${text}' is not default, none or host`);
      network = text === 'default' ? undefined : (text as RunNetwork);
    } else if (name === 'security') {
      if (!SECURITY.includes(text)) throw wrongAt(instruction, `'${text}' is not sandbox or insecure`);
      isInsecure = text === 'insecure';
    } else if (name === 'device') {
      throw wrongAt(instruction, "'--device' cannot be had: RUN has the devices of a container alone");
    } else {
      throw wrongAt(instruction, `the flag '--${name}' is not supported`);
    }
  }
  return { mounts, network, isInsecure };
}

/** @param expand replaces the variables of a value. @throws UserError */
export function parseRunMount(text: string, expand: (value: string) => string = (value) => value): RunMount {
  const fields = parseCsvRecord(text).map((field): Field => {
    const equals = field.indexOf('=');
    const key = (equals < 0 ? field : field.slice(0, equals)).trim().toLowerCase();
    return [NAMES[key] ?? key, equals < 0 ? undefined : expand(field.slice(equals + 1))];
  });
  const spec = fields.map(([key, value]) => (value === undefined ? key : `${key}=${value}`)).join(',');
  const type = (fields.findLast(([key]) => key === 'type')?.[1] ?? 'bind').toLowerCase();
  if (!Object.hasOwn(KEYS, type)) {
    throw new UserError(`the mount type '${type}' is not supported`, {
      hint: `there are ${Object.keys(KEYS).join(', ')}`,
    });
  }
  const draft = emptyMount(type as RunMountType, spec);
  for (const [key, value] of fields) if (key !== 'type') takeField(draft, key, value);
  return checked(draft);
}

type Field = [key: string, value: string | undefined];

const SWITCHES = new Set(['readonly', 'readwrite', 'required']);

function takeField(draft: Draft, key: string, value: string | undefined): void {
  if (!KEYS[draft.type].includes(key)) {
    throw new UserError(`'${key}' is not supported for a mount of type '${draft.type}'`);
  }
  if (value === undefined && !SWITCHES.has(key)) {
    throw new UserError(`'${key}' of the mount '${draft.spec}' has no value`);
  }
  TAKE[key]!(draft, value ?? 'true');
}

function emptyMount(type: RunMountType, spec: string): Draft {
  return {
    type,
    spec,
    target: undefined,
    source: undefined,
    from: undefined,
    id: undefined,
    env: undefined,
    readOnly: undefined,
    required: false,
    sharing: 'shared',
    sizeBytes: undefined,
    mode: undefined,
    uid: undefined,
    gid: undefined,
  };
}

function checked(mount: RunMount): RunMount {
  if (mount.type !== 'secret') return mount;
  if (mount.id !== undefined && mount.source !== undefined) {
    throw new UserError(`the mount '${mount.spec}' has an id and a source`, {
      hint: 'they are one: give id',
    });
  }
  const id = mount.id ?? mount.source;
  if (id !== undefined || mount.target !== undefined) return { ...mount, id };
  throw new UserError(`the mount '${mount.spec}' has no id`);
}

const TRUE = new Set(['1', 't', 'T', 'true', 'TRUE', 'True']);
const FALSE = new Set(['0', 'f', 'F', 'false', 'FALSE', 'False']);

function truth(value: string): boolean {
  if (TRUE.has(value)) return true;
  if (FALSE.has(value)) return false;
  throw new UserError(`'${value}' is not true or false`);
}

function id(value: string): number {
  if (!/^\d{1,10}$/.test(value)) throw new UserError(`'${value}' is no id`);
  return Number(value);
}
