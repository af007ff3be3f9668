/** A volume as a tar, by `plyfs volume export` in a process of its own: reading it is synchronous, and the server goes on. */

import { spawn } from 'node:child_process';
import type { ServerResponse } from 'node:http';
import { pipeline } from 'node:stream/promises';
import { codeOf } from '../../errno/error-code.js';
import { UserError } from '../../errno/user-error.js';

const MOST_SAID = 500;

/** @throws UserError when it cannot be exported. */
export async function sendVolume(response: ServerResponse, root: string, volume: string): Promise<void> {
  const program = process.argv[1] ?? '';
  const child = spawn(process.execPath, [program, 'volume', 'export', '--root', root, '--', volume], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let said = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    said = `${said}${text}`.slice(0, MOST_SAID);
  });
  const ended = new Promise<number | null>((resolve) => child.on('close', resolve));
  response.on('close', () => child.kill());
  const first = await Promise.race([
    new Promise<'data'>((resolve) => child.stdout.once('readable', () => resolve('data'))),
    ended,
  ]);
  if (first !== 'data' || child.stdout.readableLength === 0) {
    if ((await ended) !== 0) throw new UserError(said.trim().replace(/^plyfs volume export: /, ''));
  }
  response.writeHead(200, {
    'Content-Type': 'application/x-tar',
    'Content-Disposition': 'attachment',
  });
  try {
    await pipeline(child.stdout, response, { end: false });
    // What is not whole is broken off: whoever saves it has to see that.
    if ((await ended) === 0) response.end();
    else response.destroy();
  } catch (error) {
    if (codeOf(error) !== 'ERR_STREAM_PREMATURE_CLOSE') throw error;
  }
}
