/**
 * `--tmpfs TARGET[:OPTIONS]`, with the options of tmpfs(5) that Docker lets through. Those for the kernel's memory
 * policy or for the whole mount (exec, suid, dev, atime) are accepted with a notice; unknown ones are refused.
 */

import { UserError, withPrefix } from '../../errno/user-error.js';
import { parseTmpfsMode } from './mount-fields.js';
import { parseTarget } from './paths.js';
import { parseId } from './shared-options.js';
import { parseSize } from './size.js';
import type { SpecContext, TmpfsRequest } from './types.js';

const PAGE_BYTES = 4096;

interface Draft {
  readOnly: boolean;
  sizeBytes?: number;
  mode?: number;
  uid?: number;
  gid?: number;
  maxInodes?: number;
  allows?: NonNullable<TmpfsRequest['allows']>;
}

/** What the option changes in the draft. */
type Setter = (value: string, context: SpecContext) => Partial<Draft>;

const valued: ReadonlyMap<string, Setter> = new Map<string, Setter>([
  ['size', (value, context) => ({ sizeBytes: parseTmpfsSize(value, context) })],
  ['nr_blocks', (value) => ({ sizeBytes: boundSize(parseSize(value) * PAGE_BYTES) })],
  ['nr_inodes', (value) => ({ maxInodes: parseSize(value) })],
  ['mode', (value) => ({ mode: parseTmpfsMode('mode', value) })],
  ['uid', (value) => ({ uid: requireId('uid', value) })],
  ['gid', (value) => ({ gid: requireId('gid', value) })],
]);

/** What a tmpfs of a container lets do only when asked to. */
const switches: ReadonlySet<string> = new Set(['exec', 'suid', 'dev']);

const idle: ReadonlySet<string> = new Set(
  (
    'sync async dirsync atime noatime diratime nodiratime relatime norelatime ' +
    'strictatime nostrictatime private rprivate shared rshared slave rslave huge mpol'
  ).split(' '),
);

const IDLE_NOTICE =
  'tmpfs options other than ro, exec, suid, dev, size, mode, uid, gid and nr_inodes do nothing in plyfs';

/** What `plyfs mount` alone says, as PROPAGATION_NOTICE. */
export const SWITCH_NOTICE = "the tmpfs options exec, suid and dev do nothing in 'plyfs mount'";

/**
 * The tmpfs that a `--tmpfs` value asks for.
 * @throws UserError that starts `invalid tmpfs specification: 'RAW'`.
 */
export function parseTmpfsSpec(raw: string, context: SpecContext): TmpfsRequest {
  return withPrefix(`invalid tmpfs specification: '${raw}'`, () => {
    const colon = raw.indexOf(':');
    const target = parseTarget(colon < 0 ? raw : raw.slice(0, colon));
    const draft: Draft = { readOnly: false };
    const notices = new Set<string>();
    for (const option of colon < 0 ? [] : raw.slice(colon + 1).split(',')) {
      if (option !== '') applyOption(option, { draft, notices, context });
    }
    const { sizeBytes, maxInodes, ...rest } = draft;
    return {
      ...rest,
      type: 'tmpfs',
      source: undefined,
      target,
      spec: raw,
      origin: 'tmpfs',
      notices: notices.has(IDLE_NOTICE) ? [IDLE_NOTICE] : [...notices],
      // 0 is "no limit", as in the kernel.
      ...(sizeBytes && { sizeBytes }),
      ...(maxInodes && { maxInodes }),
    };
  });
}

interface Progress {
  readonly draft: Draft;
  readonly notices: Set<string>;
  readonly context: SpecContext;
}

function applyOption(option: string, { draft, notices, context }: Progress): void {
  const equals = option.indexOf('=');
  const key = equals < 0 ? option : option.slice(0, equals);
  if (option === 'ro' || option === 'rw') {
    draft.readOnly = option === 'ro';
    return;
  }
  const word = option.replace(/^no/, '');
  if (switches.has(word)) {
    notices.add(SWITCH_NOTICE);
    const others = (draft.allows ?? []).filter((one) => one !== word);
    draft.allows = option === word ? [...others, word as 'exec' | 'suid' | 'dev'] : others;
    return;
  }
  if (idle.has(key)) {
    notices.add(IDLE_NOTICE);
    return;
  }
  const setter = valued.get(key);
  if (!setter) throw new UserError(`invalid tmpfs option: '${option}'`);
  if (equals < 0 || option.length === equals + 1)
    throw new UserError(`invalid value for '${key}': value is empty`);
  Object.assign(draft, setter(option.slice(equals + 1), context));
}

function parseTmpfsSize(value: string, context: SpecContext): number {
  const percent = /^(\d{1,9})%$/.exec(value)?.[1];
  if (percent === undefined) return parseSize(value);
  if (context.memoryBytes === undefined) {
    throw new UserError(`invalid size: '${value}': the size of the memory is not known here`);
  }
  return boundSize((context.memoryBytes * Number(percent)) / 100);
}

/** More than can be counted exactly is as good as the largest number that can. */
function boundSize(bytes: number): number {
  return Math.min(Math.floor(bytes), Number.MAX_SAFE_INTEGER);
}

function requireId(key: string, value: string): number {
  const id = parseId(value);
  if (id === undefined) throw new UserError(`invalid value for '${key}': '${value}' is no id`);
  return id;
}
