/**
 * The plan of a command's mounts: all requests together, each target once, in an order in which they can be attached.
 *
 * Precedence between sources of mounts (image VOLUME, --volumes-from, -v, --mount) is settled before by whoever knows
 * them; within one command two mounts on one target are a mistake, as in Docker.
 */

import { UserError } from '../../errno/user-error.js';
import type { BindRequest, Exists, MountRequest } from './types.js';

/**
 * The requests, shallower targets first (equal depth: the order given), binds with their `sourceType`.
 *
 * A missing source with `createSource` counts as a directory; the caller makes it.
 * @throws UserError for a duplicate target, a missing bind source, or a target below a bound file.
 */
export function planMounts(requests: readonly MountRequest[], exists: Exists): MountRequest[] {
  const taken = new Set<string>();
  for (const { target } of requests) {
    if (taken.has(target)) throw new UserError(`Duplicate mount point: ${target}`);
    taken.add(target);
  }
  const planned = requests
    .map((request) => (request.type === 'bind' ? withSourceType(request, exists) : request))
    .sort((a, b) => depth(a.target) - depth(b.target));
  const files = planned.filter((request) => request.type === 'bind' && request.sourceType === 'file');
  for (const file of files) {
    const below = planned.find((request) => request.target.startsWith(`${file.target}/`));
    if (below) {
      throw new UserError(
        `invalid mount path: '${below.target}' lies below '${file.target}', where the file '${file.source}' is mounted`,
      );
    }
  }
  return planned;
}

/** What all requests have to say to the user, each text once. */
export function collectNotices(requests: readonly MountRequest[]): string[] {
  return [...new Set(requests.flatMap((request) => request.notices))];
}

function withSourceType(request: BindRequest, exists: Exists): BindRequest {
  const found = exists(request.source);
  if (found === undefined && !request.createSource) {
    throw missingSource(request);
  }
  return { ...request, sourceType: found ?? 'directory' };
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

function depth(target: string): number {
  return target.split('/').length;
}
