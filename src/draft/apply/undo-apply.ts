/**
 * Takes applies back: those that were killed half-way, whenever somebody looks at drafts; and the last whole one, when somebody
 * asks for it.
 */

import { existsSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { containerStatus } from '../../container/record/status.js';
import { ELOOP, ENOENT, ENOTDIR } from '../../errno/errno.js';
import { isErrno } from '../../errno/fs-error.js';
import { UserError } from '../../errno/user-error.js';
import { isOwn, namesInFolder, readJson } from '../../store/atomic-file.js';
import { crashPoint } from '../../store/crash-point.js';
import { tryLockFile } from '../../store/lock.js';
import type { Store } from '../../store/store.js';
import { type Name, nameFromText } from '../../vfs/name.js';
import { BeneathTree } from '../changes/beneath-tree.js';
import { type AreaTrees, openAreaTrees } from '../changes/scan-area.js';
import { currentDraft } from '../record/bind-draft.js';
import {
  areaHome,
  type DraftArea,
  type DraftRecord,
  isOfMount,
  tryLockDraft,
} from '../record/draft-record.js';
import {
  type ApplyRecord,
  appliedFolder,
  besideUpper,
  leaveDraft,
  openStage,
  returnToDraft,
} from './apply-draft.js';
import { ApplyLog, type ApplyStep, readLog } from './apply-log.js';
import { finishDiscards } from './discarding.js';
import { emptyDraft, refillDraft } from './empty-draft.js';
import { noteRestored } from './restored.js';
import { type ApplyStage, ForeignStage } from './stage.js';
import { takeBackSteps } from './take-back.js';

/** How many applies can be taken back, one after the other. */
const KEPT_APPLIES = 3;

interface OpenArea {
  readonly host: BeneathTree;
  readonly stage: ApplyStage;
}

interface OpenAreas extends Disposable {
  readonly byId: ReadonlyMap<string, OpenArea>;
}

/** After this, no apply is half-done but those that run, nor is a discard. @throws FsError when the host refuses it. */
export function recoverApplies(store: Store): void {
  finishDiscards(store);
  for (const id of appliesOf(store)) {
    const folder = join(appliedFolder(store), id);
    if (!isOwnApply(folder)) continue;
    using lock = tryLockFile(join(folder, 'lock'));
    if (lock !== undefined) recoverApply(store, folder);
  }
  for (const id of appliesOf(store).slice(0, -KEPT_APPLIES)) forgetApply(store, id);
}

/** What somebody else has written down is not done with our rights. */
function isOwnApply(folder: string): boolean {
  return [folder, ...['apply.json', 'log', 'stage'].map((name) => join(folder, name))].every(isOwn);
}

function recoverApply(store: Store, folder: string): void {
  const record = readJson(join(folder, 'apply.json')) as ApplyRecord | undefined;
  const { steps, states } = readLog(join(folder, 'log'));
  if (record === undefined) {
    rmSync(folder, { recursive: true, force: true });
    return;
  }
  const isTakenBack = states.has('undo') || !states.has('done');
  if (!isTakenBack) {
    if (!states.has('reset')) finishReset(store, record, folder);
    return;
  }
  if (!states.has('back')) takeAllBack(store, record, steps);
  if (!states.has('undo')) removeApply(store, record);
  else finishUndo(store, record);
}

/** The host has all of it; the draft is not emptied yet. */
function finishReset(store: Store, record: ApplyRecord, folder: string): void {
  using held = holdBind(store, record.draft);
  if (held === undefined) return;
  if (record.isWhole) emptyDraft(store, record.draft.name, join(folder, 'areas'));
  else for (const trees of draftTrees(store, record)) leaveDraft(trees, record, folder);
  using log = new ApplyLog(join(folder, 'log'));
  log.add({ do: 'reset' });
}

/**
 * What is served is not taken out of its upper, nor put there: of a bind that is mounted the rest is done when it is not.
 * @returns undefined when it is; else nobody mounts it until disposal.
 */
function holdBind(store: Store, draft: DraftRecord): Disposable | undefined {
  const { bind } = draft;
  if (bind === undefined || currentDraft(store, draft) === undefined)
    return { [Symbol.dispose]: () => undefined };
  const lock = tryLockDraft(store, draft);
  if (isOfMount(bind) || !containerStatus(store, { id: bind.container }).isMounted) return lock;
  lock?.[Symbol.dispose]();
  return undefined;
}

/** The trees of each area that is in the draft still; each is closed after it. */
function* draftTrees(store: Store, { draft, areas }: ApplyRecord): Generator<AreaTrees> {
  for (const area of areas) {
    const upper = `${areaHome(store, draft, area)}/upper`;
    if (!existsSync(upper)) continue;
    using trees = openAreaTrees(area, nameFromText(upper));
    yield trees;
  }
}

/** The last apply that is whole. @returns undefined when there is none. */
export function lastApply(store: Store): ApplyRecord | undefined {
  const id = appliesOf(store).at(-1);
  if (id === undefined) return undefined;
  return readJson(join(appliedFolder(store), id, 'apply.json')) as ApplyRecord | undefined;
}

/**
 * The host is as before the apply; the draft has its changes again, where it has not been used since.
 * PRECONDITION: the draft, where it is there still, is locked, and nobody has it mounted.
 * @returns whether it has all of them.
 * @throws UserError when the host was changed since in places that the apply has changed: nothing is taken back then; or another
 *   user has applied.
 */
export function undoApply(store: Store, record: ApplyRecord): boolean {
  const folder = join(appliedFolder(store), record.id);
  if (!isOwnApply(folder)) {
    throw new UserError('cannot undo: another user has applied, or says so', {
      hint: 'undo as the owner of the store',
    });
  }
  using _lock = tryLockFile(join(folder, 'lock'));
  const { steps } = readLog(join(folder, 'log'));
  assertUntouched(record, folder, steps);
  using log = new ApplyLog(join(folder, 'log'));
  log.add({ do: 'undo' });
  takeAllBack(store, record, steps);
  return refill(store, record);
}

/** Ends one that was killed: the host is right; the draft may be in use by now, and is looked at again then. */
function finishUndo(store: Store, record: ApplyRecord): void {
  if (currentDraft(store, record.draft) === undefined) {
    removeApply(store, record);
    return;
  }
  const { draft } = record;
  using lock = draft.bind === undefined ? tryLockDraft(store, draft) : holdBind(store, draft);
  if (lock !== undefined) refill(store, record);
}

/** @returns whether the draft has all of its changes again. */
function refill(store: Store, record: ApplyRecord): boolean {
  const folder = join(appliedFolder(store), record.id);
  const isRefilled = record.isWhole
    ? refillDraft(store, record.draft, join(folder, 'areas'))
    : refillInPart(store, record, folder);
  removeApply(store, record);
  return isRefilled;
}

function refillInPart(store: Store, record: ApplyRecord, folder: string): boolean {
  let count = 0;
  for (const trees of draftTrees(store, record)) if (returnToDraft(trees, record, folder)) count++;
  return count === record.areas.length;
}

function takeAllBack(store: Store, record: ApplyRecord, steps: readonly ApplyStep[]): void {
  const folder = join(appliedFolder(store), record.id);
  using areas = openAreas(record, folder);
  noteRestored(store, record.draft, takeBackSteps(steps, areas.byId));
  using log = new ApplyLog(join(folder, 'log'));
  log.add({ do: 'back' });
}

/** PRECONDITION: it is taken back, or never will be. */
function removeApply(store: Store, record: ApplyRecord): void {
  const folder = join(appliedFolder(store), record.id);
  for (const area of record.areas) removeStage(record.id, area, folder);
  crashPoint();
  const beside = besideUpper(record);
  if (beside !== undefined) rmSync(beside, { recursive: true, force: true });
  rmSync(folder, { recursive: true, force: true });
}

/** One on the host goes with the directory that it was in. */
function removeStage(id: string, area: DraftArea, folder: string): void {
  try {
    const { host, stage } = openArea(folder, area, id);
    using _host = host;
    using _stage = stage;
    stage.remove();
  } catch (error) {
    const isGone = isErrno(error, ENOENT) || isErrno(error, ENOTDIR) || isErrno(error, ELOOP);
    if (!isGone && !(error instanceof ForeignStage)) throw error;
  }
}

/** What was put somewhere must still be there, and nothing where something was taken. */
function assertUntouched(record: ApplyRecord, folder: string, steps: readonly ApplyStep[]): void {
  using areas = openAreas(record, folder);
  const last = new Map(
    steps
      .filter((step) => step.do === 'put' || step.do === 'take')
      .map((step) => [`${step.area}:${step.path}`, step]),
  );
  for (const step of last.values()) {
    const host = areas.byId.get(step.area)?.host;
    const isThere = host?.look(step.path) !== undefined;
    if (isThere === (step.do === 'put')) continue;
    throw touchedError(host, step.path, isThere ? 'made' : 'taken away');
  }
  for (const { area, path, ino, ctimeSec, ctimeNsec } of record.left ?? []) {
    const host = areas.byId.get(area)?.host;
    const now = host?.look(path);
    if (now?.ino === ino && now.ctimeSec === ctimeSec && now.ctimeNsec === ctimeNsec) continue;
    throw touchedError(host, path, 'changed');
  }
}

function touchedError(host: BeneathTree | undefined, path: Name, how: string): UserError {
  return new UserError(`cannot undo: '${host?.shown(path)}' was ${how} since the apply`, {
    hint: 'nothing is taken back; move it away, or put it back as it was, then undo',
  });
}

/** @throws FsError where the directory of an area is there no more. */
function openAreas({ id, areas }: ApplyRecord, folder: string): OpenAreas {
  const byId = new Map<string, OpenArea>();
  const dispose = (): void => {
    for (const { host, stage } of byId.values()) {
      stage[Symbol.dispose]();
      host[Symbol.dispose]();
    }
  };
  try {
    for (const area of areas) byId.set(area.id, openArea(folder, area, id));
  } catch (error) {
    dispose();
    throw error;
  }
  return { byId, [Symbol.dispose]: dispose };
}

function openArea(folder: string, area: DraftArea, id: string): OpenArea {
  const host = new BeneathTree(area.path);
  try {
    return { host, stage: openStage(folder, { area, host }, id) };
  } catch (error) {
    host[Symbol.dispose]();
    throw error;
  }
}

/** It can be taken back no more. */
function forgetApply(store: Store, id: string): void {
  const folder = join(appliedFolder(store), id);
  if (!isOwnApply(folder)) return;
  using lock = tryLockFile(join(folder, 'lock'));
  if (lock === undefined) return;
  const record = readJson(join(folder, 'apply.json')) as ApplyRecord | undefined;
  if (record === undefined) rmSync(folder, { recursive: true, force: true });
  else removeApply(store, record);
}

/** Ids, the oldest first. */
function appliesOf(store: Store): string[] {
  return namesInFolder(appliedFolder(store)).sort();
}
