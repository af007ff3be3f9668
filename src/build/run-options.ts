/**
 * The flags of RUN: `--mount=type=bind|cache|tmpfs|secret,...`, and those that ask for what is so in any case.
 *
 * Keys and defaults are those of BuildKit's frontend (its reference, "RUN --mount").
 */

import { UserError } from '../errno/user-error.js';
import { expandValue, type Lookup } from '../image/words.js';
import { parseCsvRecord } from '../mounts/spec/csv.js';
import { parseSize } from '../mounts/spec/size.js';
import { type Instruction, wrongAt } from './dockerfile.js';

export type RunMountType = 'bind' | 'cache' | 'tmpfs' | 'secret';

export interface RunMount {
  readonly type: RunMountType;
  /** As it was written, variables replaced. */
  readonly spec: string;
  readonly target: string | undefined;
  readonly source: string | undefined;
  readonly from: string | undefined;
  readonly id: string | undefined;
  /** Environment variable for a secret. */
  readonly env: string | undefined;
  readonly readOnly: boolean | undefined;
  readonly required: boolean;
  /** One build at a time. */
  readonly locked: boolean;
  readonly sizeBytes: number | undefined;
  readonly mode: number | undefined;
  readonly uid: number;
  readonly gid: number;
}

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
  cache: ['target', 'id', 'readonly', 'sharing', 'mode', 'uid', 'gid'],
  tmpfs: ['target', 'size'],
  secret: ['target', 'id', 'required', 'env', 'mode', 'uid', 'gid'],
};

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
    if (!['shared', 'private', 'locked'].includes(value)) {
      throw new UserError(`'sharing=${value}' is not shared, private or locked`);
    }
    draft.locked = value !== 'shared';
  },
  size: (draft, value) => {
    draft.sizeBytes = parseSize(value);
  },
  mode: (draft, value) => {
    if (!/^[0-7]{1,4}$/.test(value))
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

/** @throws UserError for a flag or key that means nothing, or what cannot be had here. */
export function runMounts(instruction: Instruction, lookup: Lookup): RunMount[] {
  const mounts: RunMount[] = [];
  for (const { name, value } of instruction.flags) {
    const text = expandValue(value ?? '', lookup, instruction.escape);
    if (name === 'mount') mounts.push(parseRunMount(text));
    else if (name === 'network' && text !== 'default' && text !== 'host') {
      throw wrongAt(instruction, `'--network=${text}' is not supported: the network is the host's`);
    } else if (name === 'security' && text !== 'sandbox') {
      throw wrongAt(instruction, `'--security=${text}' is not supported`);
    } else if (name !== 'network' && name !== 'security') {
      throw wrongAt(instruction, `the flag '--${name}' is not supported`);
    }
  }
  return mounts;
}

/** @throws UserError */
export function parseRunMount(spec: string): RunMount {
  const fields = parseCsvRecord(spec).map((field): [string, string | undefined] => {
    const equals = field.indexOf('=');
    const key = (equals < 0 ? field : field.slice(0, equals)).toLowerCase();
    return [NAMES[key] ?? key, equals < 0 ? undefined : field.slice(equals + 1)];
  });
  const type = fields.find(([key]) => key === 'type')?.[1] ?? 'bind';
  if (!Object.hasOwn(KEYS, type)) {
    throw new UserError(`the mount type '${type}' is not supported`, {
      hint: `there are ${Object.keys(KEYS).join(', ')}`,
    });
  }
  const draft = emptyMount(type as RunMountType, spec);
  for (const [key, value] of fields) {
    if (key === 'type') continue;
    const isSwitch = key === 'readonly' || key === 'readwrite' || key === 'required';
    if (!KEYS[draft.type].includes(key)) {
      throw new UserError(`'${key}' is not supported for a mount of type '${type}'`);
    }
    if (value === undefined && !isSwitch) throw new UserError(`'${key}' of the mount '${spec}' has no value`);
    TAKE[key]!(draft, value ?? 'true');
  }
  return checked(draft);
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
    locked: false,
    sizeBytes: undefined,
    mode: undefined,
    uid: 0,
    gid: 0,
  };
}

function checked(mount: RunMount): RunMount {
  if (mount.target === undefined && mount.type !== 'secret') {
    throw new UserError(`the mount '${mount.spec}' has no target`);
  }
  if (mount.type === 'bind' && mount.readOnly === false) {
    throw new UserError(`the mount '${mount.spec}' is writable, which is not supported`, {
      hint: 'COPY the files, or write elsewhere',
    });
  }
  if (mount.type === 'secret' && mount.id === undefined && mount.target === undefined) {
    throw new UserError(`the mount '${mount.spec}' has no id`);
  }
  return mount;
}

function truth(value: string): boolean {
  if (value === 'true' || value === '1') return true;
  if (value === 'false' || value === '0') return false;
  throw new UserError(`'${value}' is not true or false`);
}

function id(value: string): number {
  if (!/^\d{1,10}$/.test(value)) throw new UserError(`'${value}' is no id`);
  return Number(value);
}
