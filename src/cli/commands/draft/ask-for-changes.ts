/**
 * Which changes of a plan are applied: what needs a word of its own has it, conflicts are decided, and a person may be asked for
 * each change, or each hunk. Nothing is written here.
 */

import { createInterface } from 'node:readline';
import type { ChosenChange } from '../../../draft/apply/apply-area.js';
import type { Conflict } from '../../../draft/apply/find-conflicts.js';
import type { Side } from '../../../draft/changes/beneath-tree.js';
import {
  ApplyRefused,
  type ApplyWords,
  chooseWithoutAsking,
  complete,
} from '../../../draft/choose-without-asking.js';
import type { ApplyPlan } from '../../../draft/prepare-apply.js';
import type { ReviewedChange } from '../../../draft/review-draft.js';
import { UserError } from '../../../errno/user-error.js';
import { displayName } from '../../../vfs/name.js';
import { say, shown } from '../../print/output.js';
import { changeLine, hunkText } from './review-command.js';

export interface ApplyChoice {
  readonly chosen: readonly ChosenChange[];
  /** A person has said yes to each. */
  readonly hasAsked: boolean;
}

interface AskOptions extends ApplyWords {
  readonly asksForChanges: boolean;
  readonly asksForHunks: boolean;
}

/** @throws UserError when something has to be said first. */
export async function askForChanges(plan: ApplyPlan, options: AskOptions): Promise<ApplyChoice> {
  const conflicts = new Map(plan.conflicts.map((one) => [one.change, one]));
  const isAsking = options.asksForChanges || options.asksForHunks;
  if (!isAsking) return { chosen: withoutAsking(plan, options), hasAsked: false };
  using answers = new Answers();
  const chosen: ChosenChange[] = [];
  for (const one of plan.reviewed) {
    const conflict = conflicts.get(one.change);
    const answer = await askForOne(one, conflict, options, answers, plan);
    if (answer === 'quit') throw new UserError('cancelled, nothing is applied');
    if (answer !== undefined) chosen.push(answer);
  }
  return { chosen: complete(plan, chosen), hasAsked: true };
}

function withoutAsking(plan: ApplyPlan, options: AskOptions): readonly ChosenChange[] {
  try {
    const chosen = chooseWithoutAsking(plan, options);
    if (options.onConflict === 'host') sayConflicts(plan.conflicts);
    return chosen;
  } catch (error) {
    if (error instanceof ApplyRefused) {
      for (const one of error.changes) say(changeLine(one));
      sayConflicts(error.conflicts);
    }
    throw error;
  }
}

function sayConflicts(conflicts: readonly Conflict[]): void {
  for (const line of conflicts.flatMap(conflictLines)) say(line);
}

async function askForOne(
  one: ReviewedChange,
  conflict: Conflict | undefined,
  options: AskOptions,
  answers: Answers,
  plan: ApplyPlan,
): Promise<ChosenChange | 'quit' | undefined> {
  for (const line of conflict === undefined ? [] : conflictLines(conflict)) say(line);
  const { hunks = [], change } = one;
  const isHunks = options.asksForHunks && hunks.length > 0 && change.draft !== undefined;
  if (isHunks && conflict === undefined) return askForHunks(one, answers, plan);
  say(changeLine(one));
  for (const line of hunks.flatMap(hunkText)) say(line);
  const question = conflict === undefined ? 'apply this change?' : "take the draft's side?";
  const answer = await answers.ask(`${question} [y,n,q] `);
  if (answer === 'q') return 'quit';
  return answer === 'y' ? { change } : undefined;
}

async function askForHunks(
  one: ReviewedChange,
  answers: Answers,
  { opened }: ApplyPlan,
): Promise<ChosenChange | 'quit' | undefined> {
  const { hostText } = await import('../../../draft/review-draft.js');
  const { treesOf } = await import('../../../draft/changes/list-changes.js');
  const { withHunks } = await import('../../../draft/changes/text-hunks.js');
  const { change, hunks = [] } = one;
  say(changeLine(one));
  const accepted: (typeof hunks)[number][] = [];
  for (const [index, hunk] of hunks.entries()) {
    for (const line of hunkText(hunk)) say(line);
    const answer = await answers.ask(`apply this hunk (${index + 1}/${hunks.length})? [y,n,q] `);
    if (answer === 'q') return 'quit';
    if (answer === 'y') accepted.push(hunk);
  }
  if (accepted.length === hunks.length) return { change };
  if (accepted.length === 0) return undefined;
  const before = hostText(treesOf(opened.all, change), change);
  const text = before === undefined ? undefined : withHunks(before, accepted);
  if (text === undefined) throw new UserError(`the hunks of '${displayName(one.path)}' do not fit`);
  return { change, text };
}

function conflictLines({ change, what }: Conflict): string[] {
  const path = `${displayName(change.area.path).replace(/\/$/, '')}/${displayName(change.path)}`;
  const { base, host, draft } = change;
  return [
    `conflict at '${shown(path)}': ${what}`,
    `  base:  ${base === undefined ? 'not known' : sideText(base)}`,
    `  host:  ${host === undefined ? 'none' : sideText(host)}`,
    `  draft: ${draft === undefined ? 'deleted' : sideText(draft)}`,
  ];
}

function sideText({
  mode,
  uid,
  gid,
  sizeBytes,
  mtimeSec,
}: Pick<Side, 'mode' | 'uid' | 'gid' | 'sizeBytes' | 'mtimeSec'>): string {
  const time = new Date(mtimeSec * 1000).toISOString().replace(/\.\d+/, '');
  return `${sizeBytes} B, mode ${(mode & 0o7777).toString(8)}, owner ${uid}:${gid}, modified ${time}`;
}

/** Lines of standard input, one for each question; its end is `q`. */
class Answers implements Disposable {
  readonly #lines = createInterface({ input: process.stdin });
  readonly #next = this.#lines[Symbol.asyncIterator]();

  async ask(question: string): Promise<'y' | 'n' | 'q'> {
    for (;;) {
      process.stderr.write(question);
      const { value, done } = await this.#next.next();
      if (!process.stdin.isTTY) process.stderr.write('\n');
      if (done === true) return 'q';
      const letter = String(value).trim().toLowerCase()[0];
      if (letter === 'y' || letter === 'n' || letter === 'q') return letter;
    }
  }

  [Symbol.dispose](): void {
    this.#lines.close();
    // An open pipe would keep the process.
    process.stdin.destroy();
  }
}
