/**
 * What has to be done when a command dies half-way: a file in `pending/` that its owner keeps flocked.
 *
 * Whoever takes the store's lock and finds an intent that nobody holds carries its steps out, the last first. While
 * something is made the steps undo it (`add()` before each thing is made); once it is decided that something goes,
 * `decide()` replaces them by what completes it. So there is one rule for rollback and for completion.
 *
 * INVARIANT: a step can be carried out twice. The file is a log of JSON lines, each fsynced before the thing it speaks
 * of is done; a torn last line speaks of nothing that was done.
 */

import { existsSync, fdatasyncSync, renameSync, unlinkSync, writeSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { randomHex } from '../vfs/random-hex.js';
import {
  isMissing,
  isOwn,
  readJson,
  readText,
  syncDirectory,
  writeAtomic,
  writeJson,
} from './atomic-file.js';
import { crashPoint } from './crash-point.js';
import type { StorePath } from './layout.js';
import { type FileLock, lockFile, tryLockFile } from './lock.js';

export type IntentStep =
  | { readonly do: 'remove'; readonly path: StorePath }
  | { readonly do: 'rename'; readonly from: StorePath; readonly to: StorePath }
  /** `path` gets what is at `by`, and what it had goes to `keep`. What has no `by` any more was done before. */
  | { readonly do: 'replace'; readonly path: StorePath; readonly by: StorePath; readonly keep: StorePath }
  | { readonly do: 'write'; readonly path: StorePath; readonly text: string; readonly mode?: number }
  /** Takes one of the mounts out of a container.json, whatever else has changed in it. */
  | { readonly do: 'forget-mount'; readonly path: StorePath; readonly target: string };

type Line = IntentStep | { readonly do: 'forget' };

export class Intent implements Disposable {
  readonly #root: string;
  readonly #sweep: () => void;
  readonly #path: string;
  readonly #lock: FileLock;
  #steps: IntentStep[] = [];
  #isOver = false;
  #isHandedOn = false;

  /**
   * @param sweep deletes what steps have moved to `trash/`.
   * PRECONDITION: the store is locked, or a recovery could take the file before it is flocked.
   */
  constructor(root: string, sweep: () => void) {
    this.#root = root;
    this.#sweep = sweep;
    this.#path = join(root, 'pending', `${randomHex(8)}.json`);
    this.#lock = lockFile(this.#path);
    syncDirectory(dirname(this.#path));
    crashPoint();
  }

  /** To be carried out, before those added earlier, unless `end()` or `decide()` comes first. On disk on return. */
  add(...steps: readonly IntentStep[]): void {
    this.#append(steps);
    this.#steps.push(...steps);
  }

  /** From now on `steps` are what has to be done, in the order given; what was added before is dropped. */
  decide(steps: readonly IntentStep[]): void {
    const order = steps.toReversed();
    this.#append([{ do: 'forget' }, ...order]);
    this.#steps = [...order];
  }

  /** Everything is as it should be: nothing is left to be done. */
  end(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    unlinkSync(this.#path);
    crashPoint();
    this.#lock[Symbol.dispose]();
  }

  /** Its owner has come to an end with it. */
  get isDone(): boolean {
    return this.#isOver;
  }

  /** Does what the steps say. */
  carryOut(): void {
    if (this.#isOver) return;
    carryOut(this.#root, this.#steps);
    this.end();
    this.#sweep();
  }

  /** Beyond the block that has it by `using`: whoever takes it ends it. */
  handOn(): Intent {
    this.#isHandedOn = true;
    return this;
  }

  [Symbol.dispose](): void {
    if (!this.#isHandedOn) this.carryOut();
  }

  #append(lines: readonly Line[]): void {
    // One write(2): a torn `decide()` would forget the undo and not know the rest.
    writeSync(this.#lock.fd, `${JSON.stringify(lines)}\n`);
    fdatasyncSync(this.#lock.fd);
    crashPoint();
  }
}

/** What another user has laid there is left to him. PRECONDITION: the store is locked. @returns whether the intent's owner was dead. */
export function recoverIntent(root: string, path: string): boolean {
  if (!isOwn(path)) return false;
  using lock = tryLockFile(path);
  if (lock === undefined) return false;
  carryOut(root, readSteps(path));
  unlinkSync(path);
  return true;
}

function readSteps(path: string): IntentStep[] {
  let steps: IntentStep[] = [];
  for (const text of readText(path).split('\n')) {
    for (const line of parseLines(text)) {
      if (line.do === 'forget') steps = [];
      else steps.push(line);
    }
  }
  return steps;
}

function parseLines(text: string): Line[] {
  try {
    return text === '' ? [] : (JSON.parse(text) as Line[]);
  } catch (error) {
    if (error instanceof SyntaxError) return [];
    throw error;
  }
}

function carryOut(root: string, steps: readonly IntentStep[]): void {
  for (const step of steps.toReversed()) {
    if (step.do === 'remove') discard(root, step.path);
    else if (step.do === 'rename') renameIfThere(join(root, step.from), join(root, step.to));
    else if (step.do === 'replace') replace(root, step);
    else if (step.do === 'write') writeIfHome(join(root, step.path), step.text, step.mode);
    else forgetMount(join(root, step.path), step.target);
  }
}

function replace(root: string, step: Extract<IntentStep, { readonly do: 'replace' }>): void {
  if (!existsSync(join(root, step.by))) return;
  renameIfThere(join(root, step.path), join(root, step.keep));
  renameIfThere(join(root, step.by), join(root, step.path));
}

/** The name is gone on return; what it named waits in `trash/` to be swept. */
export function discard(root: string, path: StorePath): void {
  renameIfThere(join(root, path), join(root, 'trash', `${basename(path)}.${randomHex(6)}`));
}

function renameIfThere(from: string, to: string): boolean {
  try {
    renameSync(from, to);
  } catch (error) {
    if (isMissing(error)) return false;
    throw error;
  }
  syncDirectory(dirname(from));
  if (dirname(to) !== dirname(from)) syncDirectory(dirname(to));
  crashPoint();
  return true;
}

function forgetMount(path: string, target: string): void {
  const record = readJson(path) as
    | { readonly mounts: readonly { request: { target: string } }[] }
    | undefined;
  if (record === undefined) return;
  const mounts = record.mounts.filter(({ request }) => request.target !== target);
  writeJson(path, { ...record, mounts }, 0o600);
}

/** The directory of the record may be gone, by a step or by another command. */
function writeIfHome(path: string, text: string, mode?: number): void {
  try {
    writeAtomic(path, text, mode);
  } catch (error) {
    if (!isMissing(error)) throw error;
  }
}
