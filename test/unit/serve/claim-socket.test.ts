/** Who may listen at a path, and for a store. */

import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { newGate } from '../../../src/daemon/messages/gate.js';
import { claimSocket } from '../../../src/serve/socket/claim-socket.js';
import { OneAtATime } from '../../../src/serve/socket/one-at-a-time.js';
import { serveAtSocket } from '../../../src/serve/socket/serve-at-socket.js';
import { Store } from '../../../src/store/store.js';

let directory: string;
let store: Store;

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'plyfs-serve-'));
  store = new Store(join(directory, 'store'));
});

afterEach(() => rmSync(directory, { recursive: true, force: true }));

test('a store is served once, and again when that one has ended', async () => {
  const path = join(directory, 'run/socket');
  const first = await claimSocket(store, { path, what: 'docker-volumes' });
  await expect(claimSocket(store, { path, what: 'docker-volumes' })).rejects.toThrow(
    "is served by another 'plyfs serve docker-volumes'",
  );
  (await claimSocket(store, { path, what: 'containerd' }))[Symbol.dispose]();
  first[Symbol.dispose]();
  (await claimSocket(store, { path, what: 'docker-volumes' }))[Symbol.dispose]();
  expect(existsSync(join(directory, 'run'))).toBe(true);
});

test('a path that another program listens at, or that is no socket, is left alone', async () => {
  const path = join(directory, 'socket');
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(path, resolve));
  await expect(claimSocket(store, { path, what: 'a' })).rejects.toThrow('another program does');
  await new Promise((resolve) => server.close(resolve));
  writeFileSync(path, 'mine');
  await expect(claimSocket(store, { path, what: 'a' })).rejects.toThrow('it exists and is no socket');
  rmSync(path);
  mkdirSync(path);
  await expect(claimSocket(store, { path, what: 'a' })).rejects.toThrow('it exists and is no socket');
  await expect(claimSocket(store, { path: join(directory, 'x'.repeat(108)), what: 'a' })).rejects.toThrow(
    'longer than 107 bytes',
  );
});

test('a socket whose server was killed is not in the way', async () => {
  const path = join(directory, 'dead');
  const script = `require('net').createServer().listen(${JSON.stringify(path)}, () => process.kill(process.pid, 'SIGKILL'))`;
  spawnSync(process.execPath, ['-e', script]);
  expect(existsSync(path)).toBe(true);
  (await claimSocket(store, { path, what: 'a' }))[Symbol.dispose]();
  expect(existsSync(path)).toBe(false);
});

test('a server answers what has begun before it ends, and only its owner may open the socket', async () => {
  const socket = join(directory, 'socket');
  const ending = new AbortController();
  const [readied, told] = [newGate<undefined>(), [] as string[]];
  const served = serveAtSocket(
    store,
    'a',
    { socket, signal: ending.signal, onReady: () => readied.resolve(undefined) },
    () => {
      const server = createServer();
      return {
        listen: (path) => new Promise((resolve) => void server.listen(path, resolve)),
        close: async () => {
          told.push('close');
          await new Promise((resolve) => server.close(resolve));
        },
        abort: () => told.push('abort'),
      };
    },
  );
  await readied.promise;
  expect(statSync(socket).mode & 0o777).toBe(0o600);
  ending.abort();
  await served;
  expect([told, existsSync(socket)]).toEqual([['close'], false]);
});

test('OneAtATime keeps the order on a name, goes on after a failure, and holds up nobody else', async () => {
  const turns = new OneAtATime();
  const done: string[] = [];
  const step = (name: string, waitMs: number) => async () => {
    await pause(waitMs);
    done.push(name);
  };
  const failed = turns.run('a', () => Promise.reject(new Error('no')));
  const last = turns.run('a', step('a', 20));
  await Promise.all([expect(failed).rejects.toThrow('no'), turns.run('b', step('b', 0))]);
  await turns.run('a', step('a again', 0));
  await last;
  expect(done).toEqual(['b', 'a', 'a again']);
});
