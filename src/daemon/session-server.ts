/** What the servers of sessions have in common: they build the file system, and answer questions about it. */

import { FsError } from '../errno/fs-error.js';
import { UserError } from '../errno/user-error.js';
import { raiseFileLimit } from '../linux/process.js';
import { wantedDescriptors } from './descriptor-shares.js';
import { type AddOutcome, type BuildOptions, ServedTree } from './file-system.js';
import type { MountConfig, ResolvedMount } from './mount-config.js';
import type { FromWorker, ToWorker } from './worker-messages.js';

export type Post = (message: FromWorker) => void;

/** Says what is wrong when it cannot be built: a user's error, or a system call that failed. */
export function buildOrReport(
  config: MountConfig,
  privileged: boolean,
  post: Post,
  threads?: BuildOptions['threads'],
): ServedTree | undefined {
  let tree: ServedTree | undefined;
  try {
    const fileLimit = raiseFileLimit(wantedDescriptors());
    const onUnused = (mount: ResolvedMount): void => post({ kind: 'unused', mount });
    tree = new ServedTree(config, { privileged, fileLimit, onUnused, ...(threads && { threads }) });
    tree.mountAll(config.mounts);
    return tree;
  } catch (error) {
    tree?.undo();
    const isHung = tree?.detach() === false;
    post({ ...failureOf(error), isHung });
    return undefined;
  }
}

/** @throws what is neither a UserError nor an FsError. */
export function failureOf(error: unknown): Extract<FromWorker, { kind: 'failed' }> {
  if (error instanceof UserError) return { kind: 'failed', message: error.message, hint: error.hint };
  if (error instanceof FsError) return { kind: 'failed', message: error.message };
  throw error;
}

export interface Answering {
  readonly tree: ServedTree;
  /** Requests so far. */
  readonly counts: () => Record<string, number>;
  /** Called before a mount is added or taken away; undefined where that cannot be. */
  readonly beforeChange?: () => void;
  readonly post: Post;
}

/** Answers, for a mount on far storage when that has answered. */
export function answerRequest(
  { id, name, args }: Extract<ToWorker, { kind: 'request' }>,
  answering: Answering,
): void {
  const { tree, counts, beforeChange, post } = answering;
  const reply = (value: unknown): void => post({ kind: 'reply', id, value });
  const refuse = (error: unknown): void => post({ kind: 'reply', id, ...refusalOf(error) });
  try {
    if (name === 'why' || name === 'inspect') reply(tree.inspect(name, args));
    else if (name === 'stats') reply({ requests: counts(), ...tree.inspect('stats', args) });
    else if (beforeChange === undefined) {
      throw new UserError('the mounts of a running mount can be changed with the engine kernel only');
    } else if (name === 'mountAdd') {
      beforeChange();
      tree.addMount(args.mount as ResolvedMount, (outcome: AddOutcome) => {
        if (outcome instanceof UserError) refuse(outcome);
        else reply({ renewed: outcome });
      });
    } else if (name === 'mountRemove') {
      beforeChange();
      reply({ renewed: tree.removeMount(String(args.target)) });
    } else if (name === 'lingering') reply(tree.lingering());
    else reply(tree.abandon(String(args.target)));
  } catch (error) {
    refuse(error);
  }
}

function refusalOf(error: unknown): { readonly error: string; readonly hint?: string | undefined } {
  if (error instanceof UserError) return { error: error.message, hint: error.hint };
  return { error: error instanceof Error ? error.message : String(error) };
}
