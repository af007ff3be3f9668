/**
 * Long output on a terminal, through `$PAGER` or less(1); elsewhere as it is.
 */

import { spawn } from 'node:child_process';
import { printShown } from '../../print/output.js';

/** @param text of which each name went through `shown()`. */
export async function showPaged(text: string, { isWanted }: { readonly isWanted: boolean }): Promise<void> {
  if (!isWanted || !process.stdout.isTTY || text.split('\n').length <= (process.stdout.rows ?? 0)) {
    printShown(text);
    return;
  }
  const [program = 'less', ...args] = (process.env.PAGER ?? 'less').split(' ').filter((word) => word !== '');
  const env = { ...process.env, LESS: process.env.LESS ?? 'FRX' };
  const pager = spawn(program, args, { stdio: ['pipe', 'inherit', 'inherit'], env });
  await new Promise<void>((resolve) => {
    pager.on('error', () => {
      printShown(text);
      resolve();
    });
    pager.on('close', () => resolve());
    // Who leaves the pager early reads no further.
    pager.stdin.on('error', () => undefined);
    pager.stdin.end(text);
  });
}
