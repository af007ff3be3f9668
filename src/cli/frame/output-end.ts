/**
 * What happens when standard output takes no more: its reader is gone (`plyfs ps | head -1`), or its disk is full.
 *
 * A reader that went away needs no word: the command ends with the status of SIGPIPE, which Node ignores. Anything else is a line on standard
 * error and status 1. What cannot be said on standard error is not said.
 */

import { writeSync } from 'node:fs';
import { hasCode } from '../../errno/error-code.js';
import { reasonOf } from '../../errno/reason.js';
import { STATUS_OF_SIGPIPE, say } from '../print/output.js';

/** From now on a failed write ends the process in that way, not in a stack trace. */
export function endWhenOutputEnds(): void {
  process.stdout.on('error', endOutput);
  process.stderr.on('error', () => undefined);
}

/** Writes text of a command that ends the process right behind it, so that a failure is not missed. */
export function writeOut(text: string): void {
  try {
    let rest = Buffer.from(text);
    while (rest.length > 0) rest = rest.subarray(writeSync(1, rest));
  } catch (error) {
    // A pipe that somebody else has made non-blocking.
    if (hasCode(error, 'EAGAIN')) process.stdout.write(text);
    else endOutput(error);
  }
}

function endOutput(error: unknown): void {
  // Who listens too knows better: a container's command is told of it, and goes on with --rm.
  if (process.stdout.listenerCount('error') > 1) return;
  if (hasCode(error, 'EPIPE')) process.exit(STATUS_OF_SIGPIPE);
  say(`plyfs: cannot write to standard output: ${reasonOf(error)}`);
  process.exit(1);
}
