/**
 * `--mount key=value,...`: the whole of a mount, as docker/cli opts/mount.go and moby's validateMountConfig judge it.
 *
 * Errors of grammar name the whole value (`invalid argument "RAW" for "--mount" flag: ...`), errors of meaning name
 * the type (`invalid mount config for type "bind": ...`), each as Docker prints it.
 */

import { UserError, withPrefix } from '../../errno/user-error.js';
import { parseCsvRecord } from './csv.js';
import { kindNamed } from './kinds/mount-kinds.js';
import { type MountDraft, newMountDraft, setMountField } from './mount-fields.js';
import { parseTarget } from './paths.js';
import { finishShared } from './shared-options.js';
import type { MountCommon, MountRequest, SpecContext } from './types.js';

/**
 * The mount that a `--mount` value asks for.
 * @throws UserError
 */
export function parseMountSpec(raw: string, context: SpecContext): MountRequest {
  const draft = withPrefix(`invalid argument "${raw}" for "--mount" flag`, () => readFields(raw));
  return withPrefix(`invalid mount config for type "${draft.type}"`, () => {
    const kind = kindNamed(draft.type);
    if (!kind) throw new UserError('mount type unknown', { hint: 'it is bind, volume, tmpfs or image' });
    const common: MountCommon = {
      target: parseTarget(draft.target),
      readOnly: draft.readOnly ?? false,
      spec: raw,
      origin: 'mount',
      notices: [...draft.notices],
      ...finishShared(draft.shared),
    };
    return kind.parse(draft, common, context);
  });
}

function readFields(raw: string): MountDraft {
  const value = raw.trim();
  if (value === '') throw new UserError('value is empty');
  const draft = newMountDraft();
  for (const field of parseCsvRecord(value)) setMountField(draft, field);
  for (const family of ['bind', 'volume', 'image', 'tmpfs']) {
    const mixed = draft.type !== family && [...draft.keys].some((key) => key.startsWith(`${family}-`));
    if (mixed) throw new UserError(`cannot mix '${family}-*' options with mount type '${draft.type}'`);
  }
  if (draft.cow && draft.type !== 'bind')
    throw new UserError(`cannot mix option 'cow' with mount type '${draft.type}'`);
  if (draft.shared.exclude.length > 0 && draft.type !== 'bind')
    throw new UserError(`cannot mix option 'exclude' with mount type '${draft.type}'`);
  checkRecursion(draft);
  return draft;
}

/** Docker wants bind-propagation=rprivate typed beside `readonly`; here it is implied, only another one is refused. */
function checkRecursion(draft: MountDraft): void {
  const { recursive, propagation } = draft;
  if (recursive !== 'writable' && recursive !== 'readonly') return;
  const option = `option 'bind-recursive=${recursive}'`;
  if (!draft.readOnly) throw new UserError(`${option} requires 'readonly' to be specified in conjunction`);
  if (recursive === 'readonly' && propagation !== undefined && propagation !== 'rprivate') {
    throw new UserError(`${option} requires 'bind-propagation=rprivate' to be specified in conjunction`);
  }
}
