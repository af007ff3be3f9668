/** `plyfs top` without a container: what all mounts and containers of this user do, on one screen. */

import { setTimeout as sleep } from 'node:timers/promises';
import { UserError } from '../../../errno/user-error.js';
import { openStoreView, type StoreFlags } from '../../frame/store-command.js';
import { jsonText, printShown, shownLine } from '../../print/output.js';
import { TerminalScreen } from '../../terminal/terminal-screen.js';
import { topLines } from './top-lines.js';
import { sampleOf, type TopSample, takeMoment } from './top-sample.js';

export interface MountsTopFlags extends StoreFlags {
  readonly stream: boolean;
  readonly format?: string;
  readonly interval: string;
}

const FIRST_MS = 1_000;

/** @throws UserError */
export async function runMountsTop(flags: MountsTopFlags): Promise<void> {
  const intervalMs = intervalOf(flags.interval);
  if (flags.format !== undefined && flags.format !== 'json')
    throw new UserError(`invalid --format '${flags.format}'`, {
      hint: "without a container it is 'json' or left out",
    });
  if (flags.format === undefined && flags.stream && process.stdout.isTTY)
    return showScreen(flags, intervalMs);
  let isFirst = true;
  for await (const sample of samples(flags, intervalMs)) {
    if (!isFirst && flags.format === undefined) printShown('\n');
    isFirst = false;
    printSample(sample, flags.format);
    if (!flags.stream) return;
  }
}

/** Begins with a short one. @param waiting whether it keeps the process alive. */
async function* samples(
  flags: StoreFlags,
  intervalMs: number,
  waiting?: { readonly ref: boolean },
): AsyncGenerator<TopSample> {
  const store = await openStoreView(flags);
  let before = await takeMoment(store);
  let waitMs = Math.min(FIRST_MS, intervalMs);
  for (;;) {
    await sleep(waitMs, undefined, waiting);
    waitMs = intervalMs;
    const now = await takeMoment(store);
    yield sampleOf(before, now);
    before = now;
  }
}

function printSample(sample: TopSample, format: string | undefined): void {
  if (format === 'json') {
    printShown(`${jsonText(sample)}\n`);
    return;
  }
  const width = process.stdout.isTTY ? process.stdout.columns : Number.POSITIVE_INFINITY;
  const lines = topLines(sample, Math.min(width, WIDE));
  const texts = lines.map((line) =>
    typeof line === 'string' ? line : line.map(({ text }) => text).join(''),
  );
  printShown(`${texts.map((text) => shownLine(text).trimEnd()).join('\n')}\n`);
}

const WIDE = 120;

async function showScreen(flags: StoreFlags, intervalMs: number): Promise<void> {
  using screen = new TerminalScreen("'--no-stream' prints it once");
  let sample: TopSample | undefined;
  const draw = (): void =>
    screen.draw(
      sample === undefined
        ? ['plyfs top: looking ...']
        : [...topLines(sample, screen.columns, screen.rows - 1)],
    );
  screen.onRedraw = draw;
  draw();
  const quit = new Promise<undefined>((resolve) => {
    screen.onKey = ({ name }) => {
      if (name === 'q' || name === 'escape') resolve(undefined);
    };
  });
  const coming = samples(flags, intervalMs, { ref: false });
  for (;;) {
    const next = await Promise.race([coming.next(), quit]);
    if (next === undefined || next.done === true) return;
    sample = next.value;
    draw();
  }
}

const SHORTEST_SECONDS = 0.1;

function intervalOf(text: string): number {
  const seconds = /^\d{1,6}(?:\.\d+)?$/.test(text) ? Number(text) : 0;
  if (seconds < SHORTEST_SECONDS)
    throw new UserError(`invalid --interval '${text}'`, { hint: 'seconds, 0.1 at least' });
  return seconds * 1000;
}
