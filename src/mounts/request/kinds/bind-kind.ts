/** A bind: a directory, or a single file, of the host. */

import { UserError } from '../../../errno/user-error.js';
import { noticeFor, propagationModes } from '../modes.js';
import { requireSource } from '../mount-fields.js';
import { parseHostPath } from '../paths.js';
import type { BindRequest, MountCommon, Propagation } from '../types.js';
import type { MountKind } from './mount-kind.js';

export const bindKind: MountKind<BindRequest> = {
  parse(draft, common, context) {
    const { propagation } = draft;
    if (propagation !== undefined && !propagationModes.has(propagation)) {
      throw new UserError(`invalid propagation mode: ${propagation}`);
    }
    const merge = draft.merge === true;
    const cow = draft.cow === true || (merge && !common.readOnly);
    checkChanges({ cow, merge }, common);
    const notice = propagation && noticeFor(propagation);
    return {
      ...common,
      type: 'bind',
      source: parseHostPath(requireSource(draft), context.cwd),
      createSource: draft.createSource ?? false,
      recursive: draft.recursive ?? 'enabled',
      ...(cow && { cow: true }),
      ...(merge && { merge: true }),
      ...(draft.shared.exclude.length > 0 && { exclude: draft.shared.exclude }),
      ...(propagation !== undefined && { propagation: propagation as Propagation }),
      notices: notice ? [...common.notices, notice] : common.notices,
    };
  },

  plan(request, exists) {
    const found = exists(request.source);
    if (found === undefined && !request.createSource) throw missingSource(request);
    if ((request.cow || request.merge) && found === 'file') {
      const word = request.merge ? 'merge' : 'cow';
      throw new UserError(
        `cannot mount '${request.spec}': ${word} is for directories, and '${request.source}' is none`,
        {
          hint: 'mount the directory that it lies in',
        },
      );
    }
    return { ...request, sourceType: found ?? 'directory' };
  },

  isFile: ({ sourceType }) => sourceType === 'file',

  describe: ({ propagation, recursive, createSource, cow, merge, exclude }) => ({
    key: 'BindOptions',
    options: {
      Propagation: propagation,
      NonRecursive: recursive === 'disabled' || undefined,
      ReadOnlyNonRecursive: recursive === 'writable' || undefined,
      ReadOnlyForceRecursive: recursive === 'readonly' || undefined,
      CreateMountpoint: createSource || undefined,
      CopyOnWrite: cow || undefined,
      Merge: merge || undefined,
      Exclude: exclude,
    },
  }),
};

/** What a bind with `cow` or `merge` cannot be besides. @throws UserError */
export function checkChanges(
  { cow, merge }: { readonly cow: boolean; readonly merge: boolean },
  { readOnly, owners }: Pick<MountCommon, 'readOnly' | 'owners'>,
): void {
  if (!cow && !merge) return;
  if (cow && readOnly) throw new UserError("cannot mix 'cow' with 'ro': nothing could be changed");
  const word = merge ? 'merge' : 'cow';
  if (owners !== undefined) throw new UserError(`cannot mix '${word}' with 'uidmap', 'gidmap' or 'squash'`);
}

export function missingSource(request: BindRequest): UserError {
  return new UserError(
    `invalid mount config for type "bind": bind source path does not exist: ${request.source}`,
    { hint: `create it, or add bind-create-src: --mount ${asMountSpec(request)}` },
  );
}

function asMountSpec({ source, target, readOnly }: BindRequest): string {
  const fields = [
    'type=bind',
    `src=${source}`,
    `dst=${target}`,
    ...(readOnly ? ['readonly'] : []),
    'bind-create-src',
  ];
  const csv = fields
    .map((field) => (/[",]/.test(field) ? `"${field.replaceAll('"', '""')}"` : field))
    .join(',');
  return /^[\w@%+=:,./-]+$/.test(csv) ? csv : `'${csv.replaceAll("'", "'\\''")}'`;
}
