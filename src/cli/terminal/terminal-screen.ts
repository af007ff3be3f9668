/**
 * The whole terminal for a command: its own screen, keys one by one, and all as it was before at the end.
 *
 * INVARIANT: however the process ends, but for SIGKILL, the terminal shows what it showed before, with its cursor and its line
 * editing: at disposal, at exit (an uncaught error too), at signals, and while it is stopped by Ctrl-Z.
 */

import { writeSync } from 'node:fs';
import { emitKeypressEvents } from 'node:readline';
import { codeOf } from '../../errno/error-code.js';
import { oneLine } from '../../errno/printable.js';
import { UserError } from '../../errno/user-error.js';
import { cellWidth, fitCells } from './cell-width.js';

type Style = 'bold' | 'dim' | 'inverse' | 'red' | 'yellow' | 'cyan' | 'green' | 'magenta' | 'blue';

export interface Span {
  readonly text: string;
  readonly style?: Style | undefined;
}

/** What does not fit is cut. */
export type ScreenLine = string | readonly Span[];

export interface Key {
  /** `up`, `return`, `escape`, `a` ...; '' for what has no name. */
  readonly name: string;
  /** What was typed, where it is text. */
  readonly text: string;
  readonly ctrl: boolean;
}

const CODES: Readonly<Record<Style, string>> = {
  bold: '1',
  dim: '2',
  inverse: '7',
  red: '31',
  green: '32',
  yellow: '33',
  blue: '34',
  magenta: '35',
  cyan: '36',
};
const COLOURS: readonly Style[] = ['red', 'green', 'yellow', 'blue', 'magenta', 'cyan'];
const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGQUIT'] as const;
/** Alternate screen (xterm's 1049), cursor, lines that do not wrap. */
const ENTER = '\x1b[?1049h\x1b[?25l\x1b[?7l';
const LEAVE = '\x1b[?7h\x1b[?25h\x1b[?1049l';
/** A screen of no size: a serial line. */
const DEFAULT_ROWS = 24;
const DEFAULT_COLUMNS = 80;
const BACK_MS = 100;

export class TerminalScreen implements Disposable {
  /** Told of each key but Ctrl-C, which ends the process, and Ctrl-Z, which stops it. */
  onKey: (key: Key) => void = () => undefined;
  /** The size has changed, or the screen has to be drawn again. */
  onRedraw: () => void = () => undefined;
  #isOn = false;

  /** @throws UserError where there is no terminal that can do it. */
  constructor(hint: string) {
    const isDumb = ['', 'dumb'].includes(process.env.TERM ?? '');
    if (!process.stdin.isTTY || !process.stdout.isTTY || isDumb)
      throw new UserError('this needs a terminal for its input and output', { hint });
    emitKeypressEvents(process.stdin);
    process.on('exit', this.#leave);
    for (const signal of SIGNALS) process.on(signal, this.#end);
    process.on('SIGCONT', this.#enter);
    process.stdout.on('resize', this.#redraw);
    process.stdin.on('keypress', this.#press);
    // The terminal is gone.
    process.stdin.on('error', this.#hangUp);
    process.stdout.on('error', this.#hangUp);
    process.stdin.on('end', this.#hangUp);
    this.#enter();
  }

  get rows(): number {
    return process.stdout.rows || DEFAULT_ROWS;
  }

  get columns(): number {
    return process.stdout.columns || DEFAULT_COLUMNS;
  }

  /** Lines from the top; those that do not fit are left out, the rest of the screen is empty. */
  draw(lines: readonly ScreenLine[]): void {
    if (!this.#isOn) return;
    const shownLines = lines.slice(0, this.rows).map((line) => `${this.#lineText(line)}\x1b[0m\x1b[K`);
    process.stdout.write(`\x1b[H${shownLines.join('\r\n')}\x1b[J`);
  }

  #lineText(line: ScreenLine): string {
    let room = this.columns;
    let out = '';
    for (const { text, style } of typeof line === 'string' ? [{ text: line }] : line) {
      const safe = oneLine(text);
      const width = cellWidth(safe);
      const cut = width > room ? fitCells(safe, room) : safe;
      const isPlain = style === undefined || (process.env.NO_COLOR && COLOURS.includes(style));
      out += isPlain ? cut : `\x1b[${CODES[style]}m${cut}\x1b[0m`;
      room -= Math.min(width, room);
    }
    return out;
  }

  [Symbol.dispose](): void {
    this.#leave();
    process.off('exit', this.#leave);
    for (const signal of SIGNALS) process.off(signal, this.#end);
    process.off('SIGCONT', this.#enter);
    process.stdout.off('resize', this.#redraw);
    process.stdin.off('keypress', this.#press);
    for (const event of ['error', 'end']) process.stdin.off(event, this.#hangUp);
    process.stdout.off('error', this.#hangUp);
    process.stdin.pause();
  }

  readonly #enter = (): void => {
    if (this.#isOn) return;
    this.#isOn = true;
    process.stdin.setRawMode(true);
    process.stdin.resume();
    process.stdout.write(ENTER);
    this.onRedraw();
  };

  /** Synchronous: the process may be about to end. */
  readonly #leave = (): void => {
    if (!this.#isOn) return;
    this.#isOn = false;
    try {
      process.stdin.setRawMode(false);
      writeSync(1, LEAVE);
    } catch (error) {
      // The terminal is gone, and nothing is left to be restored.
      if (codeOf(error) === undefined) throw error;
    }
  };

  readonly #end = (signal: NodeJS.Signals): void => {
    this[Symbol.dispose]();
    process.kill(process.pid, signal);
  };

  readonly #hangUp = (): void => this.#end('SIGHUP');

  readonly #redraw = (): void => this.onRedraw();

  readonly #press = (text: string | undefined, key: { name?: string; ctrl?: boolean }): void => {
    const { name = '', ctrl = false } = key;
    if (ctrl && name === 'c') this.#end('SIGINT');
    else if (ctrl && name === 'z') {
      this.#leave();
      process.kill(process.pid, 'SIGTSTP');
      // Where no shell waits for us the kernel stops nobody.
      setTimeout(this.#enter, BACK_MS);
    } else this.onKey({ name, text: ctrl ? '' : (text ?? ''), ctrl });
  };
}
