/** The snapshots service, asked over gRPC as containerd asks it: what needs no mount of plyfs. */

import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  type Client,
  credentials,
  makeClientConstructor,
  type Server,
  ServerCredentials,
} from '@grpc/grpc-js';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { snapshotsService } from '../../../src/serve/containerd/snapshots-api.js';
import { distPath } from '../../helpers/project-paths.js';

type Reply = Record<string, unknown>;
type Unary = (request: object, done: (error: Error | null, reply: Reply) => void) => void;

let directory: string;
let server: Server;
let client: Client;
let logged: string[];

beforeEach(async () => {
  directory = mkdtempSync(join(tmpdir(), 'plyfs-serve-'));
  await start();
});

afterEach(() => {
  stop();
  rmSync(directory, { recursive: true, force: true });
});

/** Threads are compiled JavaScript, and so is what starts them. */
async function start(): Promise<void> {
  const load = (file: string) => import(distPath(`src/serve/containerd/${file}.js`));
  const { SnapshotStore } = (await load(
    'snapshot-store',
  )) as typeof import('../../../src/serve/containerd/snapshot-store.js');
  const { Snapshotter } = (await load(
    'snapshotter',
  )) as typeof import('../../../src/serve/containerd/snapshotter.js');
  const { snapshotsServer } = (await load(
    'snapshots-server',
  )) as typeof import('../../../src/serve/containerd/snapshots-server.js');
  logged = [];
  const log = (line: string) => logged.push(line);
  mkdirSync(directory, { recursive: true });
  const snapshotter = new Snapshotter(new SnapshotStore(directory, log), log);
  await snapshotter.adopt();
  server = snapshotsServer(snapshotter, log);
  const address = `unix:${directory}/socket`;
  await new Promise<void>((resolve, reject) => {
    server.bindAsync(address, ServerCredentials.createInsecure(), (error) =>
      error ? reject(error) : resolve(),
    );
  });
  const Snapshots = makeClientConstructor(snapshotsService(), 'Snapshots');
  client = new Snapshots(address, credentials.createInsecure());
}

function stop(): void {
  client.close();
  server.forceShutdown();
}

function ask(method: string, request: object): Promise<Reply> {
  const call = (client as unknown as Record<string, Unary>)[method]!;
  return new Promise((resolve, reject) => {
    call.call(client, request, (error, reply) => (error ? reject(error) : resolve(reply)));
  });
}

function list(...filters: string[]): Promise<{ pieces: number; names: string[] }> {
  const call = (client as unknown as Record<string, (request: object) => NodeJS.EventEmitter>).List!;
  return new Promise((resolve, reject) => {
    const found = { pieces: 0, names: [] as string[] };
    call
      .call(client, { filters })
      .on('data', ({ info }: { info: { name: string }[] }) => {
        found.pieces++;
        found.names.push(...info.map(({ name }) => name));
      })
      .on('error', reject)
      .on('end', () => resolve(found));
  });
}

async function layer(name: string, parent: string, labels = {}): Promise<void> {
  const key = `default/1/extract-1 ${name}`;
  await ask('Prepare', { key, parent });
  await ask('Commit', { key, name, labels });
}

const folder = () => join(directory, 'containerd');

describe('snapshots', () => {
  test('an unpacked layer is a bind, one over it a mount of overlayfs, a view of it read-only', async () => {
    const { mounts } = await ask('Prepare', { key: 'extract-1 a', parent: '' });
    const [{ source }] = mounts as [{ source: string }];
    expect(mounts).toEqual([{ type: 'bind', source, target: '', options: ['rbind', 'rw'] }]);
    writeFileSync(join(source, 'file'), 'x'.repeat(5000));
    await ask('Commit', { key: 'extract-1 a', name: 'a', labels: { of: 'a' } });
    const { mounts: over } = await ask('Prepare', { key: 'default/1/extract-1 b', parent: 'a' });
    const home = join(folder(), readdirSync(folder()).find((id) => !source.includes(id))!);
    expect(over).toEqual([
      {
        type: 'overlay',
        source: 'overlay',
        target: '',
        options: ['index=off', `workdir=${home}/work`, `upperdir=${home}/fs`, `lowerdir=${source}`],
      },
    ]);
    expect(await ask('View', { key: 'v', parent: 'a' })).toEqual({
      mounts: [{ type: 'bind', source, target: '', options: ['rbind', 'ro'] }],
    });
    expect(await ask('Usage', { key: 'a' })).toEqual({ size: '12288', inodes: '2' });
    const { info } = await ask('Stat', { key: 'a' });
    const time = { seconds: expect.stringMatching(/^\d+$/), nanos: expect.any(Number) };
    expect(info).toEqual({
      name: 'a',
      parent: '',
      kind: 'COMMITTED',
      created_at: time,
      updated_at: time,
      labels: { of: 'a' },
    });
  });

  test('the root of a snapshot is that of its parent', async () => {
    const { mounts } = await ask('Prepare', { key: 'extract-1 a', parent: '' });
    const [{ source }] = mounts as [{ source: string }];
    rmSync(source, { recursive: true });
    mkdirSync(source, { mode: 0o700 });
    await ask('Commit', { key: 'extract-1 a', name: 'a' });
    await ask('Prepare', { key: 'extract-2 b', parent: 'a' });
    for (const id of readdirSync(folder()))
      expect(statSync(join(folder(), id, 'fs')).mode & 0o777).toBe(0o700);
  });

  test('what cannot be is refused with the code that containerd knows', async () => {
    await layer('a', '');
    await layer('b', 'a');
    await ask('Prepare', { key: 'extract-1 k', parent: 'b' });
    const fails = (method: string, request: object) => expect(ask(method, request)).rejects;
    await fails('Stat', { key: 'none' }).toMatchObject({ code: 5, details: 'snapshot none: not found' });
    await fails('Prepare', { key: 'a', parent: '' }).toMatchObject({ code: 6 });
    await fails('Prepare', { key: '', parent: '' }).toMatchObject({ code: 3 });
    await fails('Prepare', { key: 'x', parent: 'none' }).toMatchObject({ code: 5 });
    await fails('Prepare', { key: 'x', parent: 'extract-1 k' }).toMatchObject({ code: 3 });
    await fails('Mounts', { key: 'a' }).toMatchObject({ code: 9 });
    await fails('Commit', { key: 'a', name: 'c' }).toMatchObject({ code: 9 });
    await fails('Commit', { key: 'extract-1 k', name: 'a' }).toMatchObject({ code: 6 });
    await fails('Remove', { key: 'a' }).toMatchObject({ code: 9 });
    await fails('Update', { info: { name: 'a' }, update_mask: { paths: ['parent'] } }).toMatchObject({
      code: 3,
    });
    await expect(list('kind=x')).rejects.toMatchObject({ code: 3 });
    expect(logged).toEqual([]);
  });

  test('labels change one by one or all at once', async () => {
    await layer('a', '', { one: '1', two: '2' });
    const update = async (labels: object, ...paths: string[]) => {
      const { info } = await ask('Update', { info: { name: 'a', labels }, update_mask: { paths } });
      return (info as { labels: object }).labels;
    };
    expect(await update({ one: '1a', 'a.b': 'c' }, 'labels.one', 'labels.a.b')).toEqual({
      one: '1a',
      two: '2',
      'a.b': 'c',
    });
    expect(await update({}, 'labels.two')).toEqual({ one: '1a', 'a.b': 'c' });
    expect(await update({ last: 'x' })).toEqual({ last: 'x' });
  });

  test('are listed in pieces, by filters, and are there after a restart', async () => {
    await layer('a', '');
    for (let number = 0; number < 101; number++) {
      const times = { createdAt: '2026-01-01T00:00:00Z', updatedAt: '2026-01-01T00:00:00Z' };
      const record = {
        id: `i${number}`,
        name: `v${number}`,
        parent: 'a',
        kind: 'view',
        labels: {},
        ...times,
      };
      mkdirSync(join(folder(), record.id));
      writeFileSync(join(folder(), record.id, 'snapshot.json'), JSON.stringify(record));
    }
    mkdirSync(join(folder(), '.new-left/fs'), { recursive: true });
    mkdirSync(join(folder(), 'broken'));
    writeFileSync(join(folder(), 'broken/snapshot.json'), '{');
    stop();
    await start();
    expect(logged).toEqual([expect.stringContaining("snapshot.json': it is no JSON")]);
    expect(await list('kind==committed', 'name==v7')).toEqual({
      pieces: 1,
      names: expect.arrayContaining(['a', 'v7']),
    });
    const all = await list();
    expect([all.pieces, all.names.length]).toEqual([2, 102]);
    await expect(ask('Remove', { key: 'a' })).rejects.toMatchObject({ code: 9 });
    expect(existsSync(join(folder(), '.new-left'))).toBe(false);
  });

  test('are removed from the top down, and leave nothing', async () => {
    await layer('a', '');
    await layer('b', 'a');
    await ask('Remove', { key: 'b' });
    await ask('Remove', { key: 'a' });
    await ask('Cleanup', {});
    expect(readdirSync(folder())).toEqual([]);
  });
});
