/** What the servers of sessions have in common: they build the file system, and answer questions about it. */

import { FsError } from '../../errno/fs-error.js';
import { messageOf } from '../../errno/reason.js';
import { UserError } from '../../errno/user-error.js';
import type { NextUpper } from '../../union/renew-upper.js';
import type { MountConfig, ResolvedMount } from '../config/mount-config.js';
import type { FromWorker, ToWorker } from '../messages/worker-messages.js';
import { type AddOutcome, ServedTree, type ServedTreeOptions } from './served-tree.js';

type TreeParts = Pick<ServedTreeOptions, 'privileged' | 'fileLimit' | 'callerIds' | 'held'>;
type Post = (message: FromWorker) => void;

/** Says what is wrong when it cannot be built: a user's error, or a system call that failed. */
export function buildOrReport(
  config: MountConfig,
  parts: TreeParts,
  post: Post,
  threads?: ServedTreeOptions['threads'],
): ServedTree | undefined {
  let tree: ServedTree | undefined;
  try {
    const { privileged, fileLimit, callerIds, held } = parts;
    const onUnused = (mount: ResolvedMount): void => post({ kind: 'unused', mount });
    tree = new ServedTree(config, {
      privileged,
      fileLimit,
      callerIds,
      held,
      onUnused,
      ...(threads && { threads }),
    });
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

export interface StatsArgs {
  /** What happened lately, too; requests are timed for a while then. */
  readonly recent?: boolean;
}

interface Answering {
  readonly tree: ServedTree;
  /** What the engine knows for `stats`. */
  readonly stats: (args: StatsArgs) => object;
  /** Whether the CPUs are kept awake, and why not. */
  readonly awake?: string;
  /** Called before a mount is added or taken away; undefined where that cannot be. */
  readonly beforeChange?: () => void;
  readonly post: Post;
}

/** Answers, for a mount on remote storage when that has answered. */
export function answerRequest(
  { id, name, args }: Extract<ToWorker, { kind: 'request' }>,
  answering: Answering,
): void {
  const { tree, stats, beforeChange, post } = answering;
  const reply = (value: unknown): void => post({ kind: 'reply', id, value });
  const refuse = (error: unknown): void => post({ kind: 'reply', id, ...refusalOf(error) });
  try {
    if (name === 'why') reply(tree.inspect(name, args));
    else if (name === 'inspect') reply({ ...tree.inspect(name, args), awake: answering.awake });
    else if (name === 'stats') reply({ ...stats(args), ...tree.inspect('stats', args) });
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
    // Made by push-served-upper.ts, in this process.
    else if (name === 'pushUpper') reply({ isDone: tree.pushUpper(args as unknown as NextUpper) });
    else reply(tree.abandon(String(args.target)));
  } catch (error) {
    refuse(error);
  }
}

function refusalOf(error: unknown): { readonly error: string; readonly hint?: string | undefined } {
  if (error instanceof UserError) return { error: error.message, hint: error.hint };
  return { error: messageOf(error) };
}
