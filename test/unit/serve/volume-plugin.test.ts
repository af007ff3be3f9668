/** Docker's volume protocol over a socket, with a store of its own: what dockerd asks, and what nobody should. */

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { request, type Server } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { VolumeDriver } from '../../../src/serve/docker/volume-driver.js';
import { volumePlugin } from '../../../src/serve/docker/volume-plugin.js';
import { Store } from '../../../src/store/store.js';
import { createVolume } from '../../../src/volume/create-volume.js';
import { readOutsideIds } from '../../../src/volume/outside-users.js';
import { removeVolume } from '../../../src/volume/remove-volume.js';

let directory: string;
let store: Store;
let driver: VolumeDriver;
let server: Server;
let logged: string[];

beforeEach(async () => {
  directory = mkdtempSync(join(tmpdir(), 'plyfs-serve-'));
  store = new Store(join(directory, 'store'));
  await listen();
});

afterEach(async () => {
  await close();
  rmSync(directory, { recursive: true, force: true });
});

async function listen(): Promise<void> {
  logged = [];
  driver = new VolumeDriver(store, (line) => logged.push(line));
  server = volumePlugin(driver, (line) => logged.push(line));
  await new Promise<void>((resolve) => server.listen(join(directory, 'socket'), resolve));
}

async function close(): Promise<void> {
  await new Promise((resolve) => {
    server.close(resolve);
    server.closeAllConnections();
  });
}

function send(method: string, path: string, body: string): Promise<{ status: number; body: unknown }> {
  return new Promise((resolve, reject) => {
    const socketPath = join(directory, 'socket');
    const sent = request({ socketPath, method, path, agent: false }, (answer) => {
      const pieces: Buffer[] = [];
      answer.on('data', (piece: Buffer) => pieces.push(piece));
      answer.on('end', () =>
        resolve({ status: answer.statusCode ?? 0, body: JSON.parse(Buffer.concat(pieces).toString()) }),
      );
    });
    sent.on('error', reject);
    sent.end(body);
  });
}

async function ask(call: string, body: object = {}): Promise<unknown> {
  return (await send('POST', `/${call}`, JSON.stringify(body))).body;
}

const noSuch = (name: string) => ({
  Err: `no such volume: '${name}'; 'plyfs volume ls' shows those there are`,
});

describe('a volume', () => {
  test('is made, found, listed and removed', async () => {
    expect(await ask('Plugin.Activate')).toEqual({ Implements: ['VolumeDriver'], Err: '' });
    expect(await ask('VolumeDriver.Capabilities')).toEqual({ Capabilities: { Scope: 'local' }, Err: '' });
    expect(await ask('VolumeDriver.Get', { Name: 'data' })).toEqual(noSuch('data'));
    expect(await ask('VolumeDriver.Create', { Name: 'data', Opts: null })).toEqual({ Err: '' });
    expect(await ask('VolumeDriver.Create', { Name: 'data' })).toEqual({ Err: '' });
    const Mountpoint = join(store.root, 'volumes/data/_data');
    expect(await ask('VolumeDriver.Get', { Name: 'data' })).toEqual({
      Volume: { Name: 'data', Mountpoint, CreatedAt: expect.any(String), Status: { options: {} } },
      Err: '',
    });
    expect(await ask('VolumeDriver.Path', { Name: 'data' })).toEqual({ Mountpoint, Err: '' });
    createVolume(store, {});
    expect(await ask('VolumeDriver.List')).toEqual({ Volumes: [{ Name: 'data', Mountpoint }], Err: '' });
    expect(await ask('VolumeDriver.Remove', { Name: 'data' })).toEqual({ Err: '' });
    expect(await ask('VolumeDriver.Remove', { Name: 'data' })).toEqual(noSuch('data'));
  });

  test('is in use until the last that mounted it has unmounted it, also across a restart', async () => {
    createVolume(store, { name: 'data' });
    const Mountpoint = join(store.root, 'volumes/data/_data');
    const answers = await Promise.all(
      ['one', 'two', 'two'].map((ID) => ask('VolumeDriver.Mount', { Name: 'data', ID })),
    );
    expect(answers).toEqual(Array(3).fill({ Mountpoint, Err: '' }));
    expect(() => removeVolume(store, 'data', () => [])).toThrow(/volume is in use - \[one, two\]/);
    await close();
    await listen();
    await driver.adopt();
    await ask('VolumeDriver.Unmount', { Name: 'data', ID: 'one' });
    expect(await ask('VolumeDriver.Unmount', { Name: 'data', ID: 'unknown' })).toEqual({ Err: '' });
    expect(readOutsideIds(store, 'data')).toEqual(['two']);
    expect(await ask('VolumeDriver.Unmount', { Name: 'data', ID: 'two' })).toEqual({ Err: '' });
    expect(readOutsideIds(store, 'data')).toEqual([]);
  });

  test('is removed when those that mounted it are gone without a word', async () => {
    createVolume(store, { name: 'data' });
    await ask('VolumeDriver.Mount', { Name: 'data', ID: 'dead' });
    expect(await ask('VolumeDriver.Remove', { Name: 'data' })).toEqual({ Err: '' });
    expect(await ask('VolumeDriver.Unmount', { Name: 'data', ID: 'dead' })).toEqual({ Err: '' });
  });

  test('is renamed, and refused what cannot be', async () => {
    createVolume(store, { name: 'old' });
    const create = (Name: string, Opts: object) => ask('VolumeDriver.Create', { Name, Opts });
    expect(await create('new', { rename: 'old', size: '1g' })).toEqual({
      Err: "'rename' cannot be mixed with 'size'; the options of the other volume come along",
    });
    expect(await create('new', { rename: 'old' })).toEqual({ Err: '' });
    expect(await create('next', { rename: 'old' })).toEqual(noSuch('old'));
    expect(await create('new', { rename: 'new' })).toEqual({ Err: '' });
    expect(await create('bad', { sise: '1' })).toEqual({
      Err: "invalid volume option: 'sise'; there are type, device, o, size, timeout, uidmap, gidmap, squash, remote",
    });
    expect(logged.at(-1)).toMatch(/^\/VolumeDriver\.Create: invalid volume option: 'sise'/);
  });
});

test('ids of before the host has started anew do not count', () => {
  createVolume(store, { name: 'data' });
  const record = { bootId: 'an older one', ids: ['one'] };
  writeFileSync(join(store.root, 'volumes/data/outside.json'), JSON.stringify(record));
  expect(readOutsideIds(store, 'data')).toEqual([]);
});

test('what dockerd does not send is answered all the same', async () => {
  expect(await send('POST', '/constructor', '{}')).toEqual({
    status: 404,
    body: { Err: "there is no '/constructor'" },
  });
  expect((await send('GET', '/VolumeDriver.List', '')).status).toBe(405);
  const create = async (body: string) => (await send('POST', '/VolumeDriver.Create', body)).body;
  expect(await create('{')).toEqual({ Err: 'the request is no JSON' });
  expect(await create('3')).toEqual({ Err: 'the request is no JSON object' });
  expect(await create('{"Name":3}')).toEqual({ Err: "'Name' of the request is no text" });
  expect(await create('{"Name":"data","Opts":{"size":1}}')).toEqual({
    Err: "'Opts' of the request are no texts",
  });
  expect(await create(JSON.stringify({ Name: '../x' }))).toEqual({
    Err: expect.stringContaining("invalid volume name '../x'"),
  });
  expect(await create(`"${'x'.repeat(2 << 20)}"`)).toEqual({
    Err: 'a request of more than 1048576 bytes',
  });
});
