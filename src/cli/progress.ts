/**
 * Progress of long work: one line on a terminal that is written over, nothing in a pipe.
 */

const INTERVAL_MS = 100;
const CLEAR_LINE = '\r\x1b[K';

export interface Progress extends Disposable {
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
    stream.write(`${CLEAR_LINE}${what}: ${humanSize(bytes)}${of}`);
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

const STEPS: readonly (readonly [seconds: number, name: string])[] = [
  [31_536_000, 'year'],
  [2_592_000, 'month'],
  [604_800, 'week'],
  [86_400, 'day'],
  [3600, 'hour'],
  [60, 'minute'],
  [1, 'second'],
];

/** `3 days ago`; a time that is none, or to come, is itself or now. */
export function humanAge(time: string, now = Date.now()): string {
  const then = Date.parse(time);
  if (Number.isNaN(then)) return time;
  const seconds = Math.max(0, Math.floor((now - then) / 1000));
  const [length, name] = STEPS.find(([step]) => seconds >= step) ?? [1, 'second'];
  const count = Math.floor(seconds / length);
  return `${count} ${name}${count === 1 ? '' : 's'} ago`;
}
