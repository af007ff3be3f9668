/**
 * What each type of mount has to say for itself, as an object a type, in place of tests of `type` where mounts are handled.
 *
 * A new type is a request in `types.ts` and a kind in this folder; the compiler then asks for it wherever a table over all
 * types is kept: `ByMountType` of daemon/config, daemon/session and container.
 */

import type { MountDraft } from '../mount-fields.js';
import type { Exists, MountCommon, MountRequest, MountType, SpecContext } from '../types.js';

export interface MountKind<R extends MountRequest> {
  /** The request of a `--mount` value whose fields are read. @throws UserError */
  parse(draft: MountDraft, common: MountCommon, context: SpecContext): R;
  /** The request as it can be attached: what its source on the host is, where that matters. @throws UserError */
  plan(request: R, exists: Exists): R;
  /** Nothing can be mounted below it, since what it shows is no directory. */
  isFile(request: R): boolean;
  /** The options as `docker inspect` shows them; those that were not given are undefined. */
  describe(request: R): DescribedOptions;
}

interface DescribedOptions {
  /** Docker's name of the record. */
  readonly key: string;
  readonly options: Readonly<Record<string, unknown>>;
}

export type RequestOf<T extends MountType> = Extract<MountRequest, { readonly type: T }>;

/** A function for each type of mount, which is given requests of that type alone. */
export type ByMountType<Arguments extends readonly unknown[], Result> = {
  readonly [T in MountType]: (request: RequestOf<T>, ...rest: Arguments) => Result;
};

/** What the table's function for the request's type returns. */
export function callByType<Arguments extends readonly unknown[], Result>(
  table: ByMountType<Arguments, Result>,
  request: MountRequest,
  ...rest: Arguments
): Result {
  const call = table[request.type] as (request: MountRequest, ...rest: Arguments) => Result;
  return call(request, ...rest);
}
