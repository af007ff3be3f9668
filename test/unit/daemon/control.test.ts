/** The control socket, both ends. */

import { execFile } from 'node:child_process';
import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { createConnection, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type ControlHandler, replyTo, serveControl } from '../../../src/daemon/messages/control.js';
import { askDaemon, CONTROL_SOCKET } from '../../../src/daemon/messages/control-client.js';
import { splitLines } from '../../../src/daemon/messages/lines.js';
import { UserError } from '../../../src/errno/user-error.js';

const handlers = new Map<string, ControlHandler>([
  ['echo', (args) => args],
  ['nothing', () => undefined],
  ['slow', () => new Promise((resolve) => setTimeout(resolve, 1_000).unref())],
  [
    'refuse',
    () => {
      throw new UserError('cannot do it', { code: 'ERR_IN_USE', hint: 'do something else' });
    },
  ],
]);

describe('replyTo()', () => {
  it.each([
    ['{"id":1,"name":"echo","args":{"x":"\u00e9"}}', { id: 1, value: { x: '\u00e9' } }],
    ['{"id":2,"name":"nothing"}', { id: 2, value: null }],
    [
      '{"id":3,"name":"refuse","args":{}}',
      { id: 3, error: 'cannot do it', code: 'ERR_IN_USE', hint: 'do something else' },
    ],
    ['{"id":4,"name":"other"}', { id: 4, error: "unknown control request 'other'" }],
    ['{', { id: 0, error: 'invalid control request: not a record with id and name' }],
    ['[1]', { id: 0, error: 'invalid control request: not a record with id and name' }],
    ['null', { id: 0, error: 'invalid control request: not a record with id and name' }],
  ])('answers %s', async (line, reply) => {
    expect(await replyTo(line, handlers)).toEqual(reply);
  });
});

describe('the control socket', () => {
  let directory: string;
  let server: Server;

  beforeEach(async () => {
    directory = mkdtempSync(join(tmpdir(), 'plyfs-control-'));
    server = await serveControl(join(directory, CONTROL_SOCKET), handlers);
  });

  afterEach(() => {
    server.close();
    rmSync(directory, { recursive: true });
  });

  it('carries a request and its value', async () => {
    expect(await askDaemon(directory, 'echo', { path: '/\xff' })).toEqual({ path: '/\xff' });
  });

  it('carries an error with its code and hint', async () => {
    await expect(askDaemon(directory, 'refuse', {})).rejects.toMatchObject({
      message: 'cannot do it',
      code: 'ERR_IN_USE',
      hint: 'do something else',
    });
  });

  it('gives up on an answer that does not come', async () => {
    await expect(askDaemon(directory, 'slow', {}, { timeoutMs: 50 })).rejects.toMatchObject({
      message: "no answer from the daemon to 'slow' in 50 ms",
      code: 'ERR_NO_ANSWER',
    });
  });

  it('says when nobody listens', async () => {
    await expect(askDaemon('/nonexistent', 'echo', {})).rejects.toThrow(
      /cannot reach the daemon at '\/nonexistent'/,
    );
  });

  it('hangs up on another user, though he can reach it', async () => {
    chmodSync(directory, 0o755);
    const path = join(directory, CONTROL_SOCKET);
    chmodSync(path, 0o777);
    const script = `const s = require('node:net').createConnection(${JSON.stringify(path)});
      s.on("data", (d) => { console.log(String(d)); s.end(); }); s.on('error', () => 0); s.on('close', () => console.log('closed'));
      s.write('{"id":1,"name":"echo","args":{}}\\n')`;
    const ask = (uid: number) =>
      promisify(execFile)(process.execPath, ['-e', script], { uid, timeout: 10_000 });
    const other = await ask(1234);
    expect(other.stdout.trim()).toBe('closed');
    expect((await ask(0)).stdout).toContain('"value":{}');
  }, 120_000);

  it('closes a connection that sends an endless line', async () => {
    const socket = createConnection(join(directory, CONTROL_SOCKET));
    const closed = new Promise((resolve) => socket.on('close', resolve));
    socket.on('error', () => socket.destroy());
    socket.write('x'.repeat(2 * 1024 * 1024));
    await closed;
    expect(await askDaemon(directory, 'echo', { still: 'here' })).toEqual({ still: 'here' });
  });
});

describe('splitLines()', () => {
  it('joins what chunks have cut', () => {
    const lines: (string | undefined)[] = [];
    const onChunk = splitLines(10, (line) => lines.push(line));
    for (const chunk of ['a', 'b\nc', '\n\nd']) onChunk(chunk);
    expect(lines).toEqual(['ab', 'c', '']);
  });

  it('reports a line that is too long once, and then nothing', () => {
    const lines: (string | undefined)[] = [];
    const onChunk = splitLines(3, (line) => lines.push(line));
    for (const chunk of ['abcd', 'efgh', '\nx\n']) onChunk(chunk);
    expect(lines).toEqual([undefined]);
  });
});
