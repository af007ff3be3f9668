/**
 * The question before something is deleted, as Docker asks it: also a pipe may answer, with a line that begins with `y`.
 */

import { createInterface } from 'node:readline';
import { oneLine } from '../../errno/printable.js';
import { UserError } from '../../errno/user-error.js';

interface Question {
  /** What is going to happen. */
  readonly warning: string;
  /** `--force`: not asked. */
  readonly force: boolean | undefined;
}

/** @throws UserError unless the answer is yes. */
export async function confirm({ warning, force }: Question): Promise<void> {
  if (force === true) return;
  process.stderr.write(`WARNING! ${oneLine(warning)}\nAre you sure you want to continue? [y/N] `);
  const answer = await readLine();
  if (!process.stdin.isTTY) process.stderr.write('\n');
  if (/^y(es)?$/i.test(answer.trim())) return;
  throw new UserError('cancelled, nothing is removed', { hint: "answer 'y', or use --force" });
}

/** Empty at the end of the input. */
async function readLine(): Promise<string> {
  const lines = createInterface({ input: process.stdin });
  try {
    for await (const line of lines) return line;
    return '';
  } finally {
    lines.close();
    // An open pipe would keep the process.
    process.stdin.destroy();
  }
}
