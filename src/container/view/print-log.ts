/** What a container's command has printed, out of its log, to our standard output and error. */

import type { ContainerRecord } from '../../store/container-record.js';
import type { Store } from '../../store/store.js';
import type { LogEntry } from '../command/attach/log-file.js';
import { readLogLines } from './log-reader.js';

interface LogOptions {
  /** Until the command ends. */
  readonly follow: boolean;
  /** Only the last so many lines. */
  readonly lastLines: number | undefined;
  /** Milliseconds since 1970. */
  readonly since: number | undefined;
  readonly until: number | undefined;
  /** The time before each line. */
  readonly timestamps: boolean;
  /** What `--log-opt` says of the container, before each line. */
  readonly details: boolean;
}

/** @throws UserError when it keeps none. */
export async function printLog(store: Store, record: ContainerRecord, options: LogOptions): Promise<void> {
  const details = options.details ? `${detailsOf(record)} ` : '';
  for await (const lines of readLogLines(store, record, options))
    if (await printLines(lines, options, details)) return;
}

/** The labels and variables that `--log-opt labels=A,B` and `env=` name, and `tag=`, as Docker writes them: `A=x,B=y`. */
function detailsOf({ labels, process: { environment }, logOptions = {} }: ContainerRecord): string {
  const variables = Object.fromEntries(environment.map((entry) => entry.split(/=(.*)/s, 2)));
  const picked = (option: string, from: Readonly<Record<string, string | undefined>>) =>
    (logOptions[option] ?? '')
      .split(',')
      .flatMap((name) => (from[name] === undefined ? [] : [[name, from[name]]]));
  const all = [
    ...picked('labels', labels),
    ...picked('env', variables),
    ...(logOptions.tag ? [['tag', logOptions.tag]] : []),
  ];
  return all
    .map((pair) => pair.map((text) => encodeURIComponent(text ?? '').replaceAll('%20', '+')).join('='))
    .sort()
    .join(',');
}

/** @returns whether what is asked for ends there. */
async function printLines(lines: readonly string[], options: LogOptions, details: string): Promise<boolean> {
  const { since, until, timestamps } = options;
  const hasTimes = since !== undefined || until !== undefined;
  let stream: LogEntry['stream'] = 'stdout';
  let waiting: (string | Buffer)[] = [];
  for (const line of lines) {
    if (line === '') continue;
    const entry = JSON.parse(line) as LogEntry;
    const time = hasTimes ? Date.parse(entry.time) : 0;
    if (until !== undefined && time > until) {
      await write(stream, waiting);
      return true;
    }
    if (since !== undefined && time < since) continue;
    if (entry.stream !== stream) {
      await write(stream, waiting);
      waiting = [];
      stream = entry.stream;
    }
    if (timestamps) waiting.push(`${fullTime(entry.time)} `);
    if (details !== '') waiting.push(details);
    waiting.push(entry.base64 === undefined ? entry.log : Buffer.from(entry.base64, 'base64'));
  }
  await write(stream, waiting);
  return false;
}

/** All at once: a call for each line would take longer than the rest. */
async function write(name: LogEntry['stream'], parts: readonly (string | Buffer)[]): Promise<void> {
  if (parts.length === 0) return;
  const isText = parts.every((part) => typeof part === 'string');
  const shown = isText ? parts.join('') : Buffer.concat(parts.map((part) => Buffer.from(part as string)));
  const stream = name === 'stderr' ? process.stderr : process.stdout;
  if (!stream.write(shown)) await new Promise<void>((resolve) => stream.once('drain', () => resolve()));
}

/** Docker's fixed nine digits. */
function fullTime(time: string): string {
  const [seconds = '', fraction = ''] = time.slice(0, -1).split('.');
  return `${seconds}.${fraction.padEnd(9, '0')}Z`;
}
