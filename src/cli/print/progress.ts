/**
 * Progress of long work: one line on a terminal that is written over, nothing in a pipe.
 */

import { sinceText } from '../../container/view/status-text.js';
import { oneLine } from '../../errno/printable.js';

const INTERVAL_MS = 100;
const CLEAR_LINE = '\r\x1b[K';

interface Progress extends Disposable {
  /** Bytes done since the last call. */
  readonly add: (bytes: number) => void;
  /** How many there will be. */
  readonly total: (bytes: number) => void;
  /** Takes the line away. */
  end(): void;
}

export function byteProgress(what: string, stream: NodeJS.WriteStream = process.stderr): Progress {
  let bytes = 0;
  let totalBytes = 0;
  let shownAt = 0;
  const end = (): void => {
    if (shownAt > 0) stream.write(CLEAR_LINE);
    shownAt = 0;
  };
  const add = (more: number): void => {
    bytes += more;
    const now = Date.now();
    if (!stream.isTTY || now - shownAt < INTERVAL_MS) return;
    shownAt = now;
    // What was sent in vain, and is sent again, counts too: the total may be passed.
    const of = totalBytes < bytes ? '' : ` of ${humanSize(totalBytes)}`;
    stream.write(`${CLEAR_LINE}${oneLine(what)}: ${humanSize(bytes)}${of}`);
  };
  const total = (expected: number): void => {
    totalBytes = expected;
  };
  return { add, total, end, [Symbol.dispose]: end };
}

const UNITS = ['B', 'kB', 'MB', 'GB', 'TB', 'PB'];

/** Docker's: powers of 1000, three digits. */
export function humanSize(bytes: number): string {
  let value = bytes;
  let unit = 0;
  while (value >= 1000 && unit < UNITS.length - 1) {
    value /= 1000;
    unit++;
  }
  return `${Number(value.toPrecision(3))}${UNITS[unit]}`;
}

/** `3 days ago`; a time that is none is itself. */
export function humanAge(time: string, now = Date.now()): string {
  if (Number.isNaN(Date.parse(time))) return time;
  return `${sinceText(time, now)} ago`;
}
