/**
 * Carries changes of a draft out on the host, all or nothing: what fails or is killed half-way is taken back, by this process or by
 * the next one that looks at drafts (undo-apply.ts).
 */

import { join } from 'node:path';
import { check } from '../../errno/fs-error.js';
import { S_IFDIR } from '../../linux/constants.js';
import { syncfs } from '../../linux/files/data.js';
import { makeDirectories } from '../../linux/files/make-directories.js';
import { writeJson } from '../../store/atomic-file.js';
import { crashPoint } from '../../store/crash-point.js';
import { lockFile } from '../../store/lock.js';
import type { Store } from '../../store/store.js';
import type { Name } from '../../vfs/name.js';
import { type DraftChanges, treesOf } from '../changes/list-changes.js';
import type { AreaTrees } from '../changes/scan-area.js';
import { type DraftArea, type DraftRecord, isOfMount } from '../record/draft-record.js';
import { applyArea, type ChosenChange } from './apply-area.js';
import { ApplyLog, type ApplyStep, readLog } from './apply-log.js';
import { emptyDraft } from './empty-draft.js';
import { type Forgotten, forgetChanges, forgottenOf, recallChanges } from './forget-changes.js';
import { HostSteps } from './host-steps.js';
import { type LeftObject, type Rebased, rebaseBack, rebasedOf, rebaseRest } from './rebase-rest.js';
import { noteRestored } from './restored.js';
import { ApplyStage } from './stage.js';
import { takeBackSteps } from './take-back.js';

/** `drafts/.applied/ID/apply.json`. */
export interface ApplyRecord {
  readonly id: string;
  /** RFC 3339, UTC. */
  readonly startedAt: string;
  /** The draft as it was. */
  readonly draft: DraftRecord;
  readonly areas: readonly DraftArea[];
  /** All of the draft is applied, and it begins anew. */
  readonly isWhole: boolean;
  /** What leaves the draft otherwise, by area. */
  readonly forgotten: Readonly<Record<string, readonly Forgotten[]>>;
  /** Files of which some hunks were applied, and the rest is in the draft still; absent in records of older versions. */
  readonly rebased?: readonly Rebased[];
  /** What the apply has left at its places; absent until it is done. */
  readonly left?: readonly LeftObject[];
}

const FOLDER_MODE = 0o700;

export function appliedFolder(store: Store): string {
  return store.path('drafts', '.applied');
}

/**
 * @param chosen complete in itself (withNeeded()), without conflicts.
 * PRECONDITION: the draft is locked, and nobody has it mounted.
 * @returns the id by which it is taken back.
 * @throws FsError when the host refuses something: nothing is changed then.
 */
export function applyToHost(
  store: Store,
  record: DraftRecord,
  all: DraftChanges,
  chosen: readonly ChosenChange[],
): string {
  const id = newId();
  const folder = join(appliedFolder(store), id);
  const touched = [...all.trees.values()].filter(({ area }) =>
    chosen.some(({ change }) => change.area.id === area.id),
  );
  // The root of a bind's upper stays, since its container or mount goes on with it.
  const isWhole =
    record.bind === undefined &&
    chosen.length === all.changes.length &&
    chosen.every(({ text }) => text === undefined);
  const forgotten = isWhole ? {} : forgottenByArea(touched, chosen);
  makeDirectories(join(folder, 'stage'), FOLDER_MODE);
  using _lock = lockFile(join(folder, 'lock'));
  const { startedAt, areas } = {
    startedAt: new Date().toISOString(),
    areas: touched.map(({ area }) => area),
  };
  using log = new ApplyLog(join(folder, 'log'));
  const rebased = chosen
    .filter(({ text }) => text !== undefined)
    .map(({ change }) => rebasedOf(treesOf(all, change), change.path));
  const apply: ApplyRecord = { id, startedAt, draft: record, areas, isWhole, forgotten, rebased };
  writeJson(join(folder, 'apply.json'), apply, 0o600);
  crashPoint();
  const stages = touched.map((trees) => ({ trees, host: trees.host, stage: openStage(folder, trees, id) }));
  let item = 0;
  let left: readonly LeftObject[];
  try {
    for (const { trees, stage } of stages) {
      const own = chosen.filter(({ change }) => change.area.id === trees.area.id);
      applyArea(trees, new HostSteps(trees, stage, log, () => String(item++)), own);
    }
    for (const { host } of stages) check(syncfs(host.fd), 'syncfs', host.shown(''));
    const { steps } = readLog(join(folder, 'log'));
    left = leftBy(steps, stages);
    writeJson(join(folder, 'apply.json'), { ...apply, left }, 0o600);
  } catch (error) {
    const { steps } = readLog(join(folder, 'log'));
    const opened = new Map(stages.map((one) => [one.trees.area.id, one]));
    noteRestored(store, record, takeBackSteps(steps, opened));
    log.add({ do: 'back' });
    for (const { stage } of stages) stage.remove();
    throw error;
  } finally {
    for (const { stage } of stages) stage[Symbol.dispose]();
  }
  log.add({ do: 'done' });
  if (isWhole) emptyDraft(store, record.name, join(folder, 'areas'));
  else for (const trees of touched) leaveDraft(trees, { ...apply, left }, folder);
  log.add({ do: 'reset' });
  return id;
}

/** What was applied in part leaves the draft. May be run again. @param folder of the apply. */
export function leaveDraft(trees: AreaTrees, apply: ApplyRecord, folder: string): void {
  const { id } = trees.area;
  const rewritten = forgetChanges(trees, apply.forgotten[id] ?? [], forgottenFolder(apply, folder, id));
  for (const path of [...rebasedIn(apply, id).map((one) => one.path), ...rewritten])
    rebaseRest(trees, path, leftAt(apply, id, path));
}

/** The reverse. @returns whether all of it is in the draft again. */
export function returnToDraft(trees: AreaTrees, apply: ApplyRecord, folder: string): boolean {
  const { id } = trees.area;
  for (const rebased of rebasedIn(apply, id)) rebaseBack(trees, rebased, leftAt(apply, id, rebased.path));
  return recallChanges(trees, apply.forgotten[id] ?? [], forgottenFolder(apply, folder, id));
}

/** On the file system of the draft's upper. */
function forgottenFolder(apply: ApplyRecord, folder: string, areaId: string): string {
  const beside = besideUpper(apply);
  return beside === undefined ? join(folder, 'forgotten', areaId) : beside;
}

/** What an apply keeps outside of its own folder: a mount's upper may lie on another file system than the store. */
export function besideUpper({ id, draft: { bind } }: ApplyRecord): string | undefined {
  return isOfMount(bind) ? join(bind.folder, 'applied', id) : undefined;
}

const rebasedIn = ({ rebased }: ApplyRecord, id: string): readonly Rebased[] =>
  (rebased ?? []).filter(({ area }) => area === id);

function leftAt({ left }: ApplyRecord, id: string, at: Name): LeftObject | undefined {
  return left?.find(({ area, path }) => area === id && path === at);
}

export function openStage(
  folder: string,
  { area, host }: Pick<AreaTrees, 'area' | 'host'>,
  id: string,
): ApplyStage {
  const own = join(folder, 'stage', area.id);
  makeDirectories(own, FOLDER_MODE);
  return new ApplyStage(host, own, id);
}

/** What was applied in part stays in the draft: the rest of it is still to be had. */
function forgottenByArea(
  touched: readonly AreaTrees[],
  chosen: readonly ChosenChange[],
): Record<string, Forgotten[]> {
  return Object.fromEntries(
    touched.map(({ area }) => [
      area.id,
      chosen
        .filter(({ change, text }) => change.area.id === area.id && text === undefined)
        .map(({ change }) => forgottenOf(change)),
    ]),
  );
}

function leftBy(steps: readonly ApplyStep[], areas: readonly { readonly trees: AreaTrees }[]): LeftObject[] {
  const places = new Map(
    steps.filter((step) => step.do !== 'take').map(({ area, path }) => [`${area}:${path}`, { area, path }]),
  );
  return [...places.values()].flatMap(({ area, path }) => {
    const side = areas.find(({ trees }) => trees.area.id === area)?.trees.host.look(path);
    if (side === undefined || side.type === S_IFDIR) return [];
    const { ino, ctimeSec, ctimeNsec } = side;
    return [{ area, path, ino, ctimeSec, ctimeNsec }];
  });
}

/** Sorts by time. */
function newId(): string {
  return `${new Date().toISOString().replace(/[^0-9]/g, '')}-${process.pid}`;
}
