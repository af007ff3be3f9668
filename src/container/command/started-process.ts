/** A process that is to become a command: a copy of a template (command-template.ts), or a Node below util-linux's wrappers. */

import type { Duplex, Readable } from 'node:stream';

/** What a descriptor of the command is: one of ours, or nothing. */
type Stdio = 'inherit' | 'ignore' | number;

export type StdioOfCommand = readonly [Stdio, Stdio, Stdio];

export interface StartedProcess {
  /** What it is called where it fails. */
  readonly name: string;
  /** Its request, and its reports. */
  readonly channel: Duplex;
  /** What it, or its wrapper, has complained about. */
  readonly complaint: () => string;
  kill(): void;
  /** Calls back when there is no such process. */
  onFailure(callback: (error: Error) => void): void;
  /** Calls back when it has ended, with its status as a shell has it, to be asked for when all complaints are read, and in words. */
  onEnd(callback: (status: () => number, how: string) => void): void;
  /** Nobody asks for complaints any more. */
  forget(): void;
}

const LINES_LIMIT = 64 * 1024;

/** The first lines that a stream gives, when asked. */
export function firstLines(stream: Readable): () => string {
  let text = '';
  stream.setEncoding('utf8');
  stream.on('data', (chunk: string) => {
    if (text.length < LINES_LIMIT) text += chunk;
  });
  return () => text.trim();
}
