/** A mount by an ordinary user: no passthrough, no callers' ids, `user.overlay.*`, every byte through the daemon. */

import { spawnSync } from 'node:child_process';
import { existsSync, lstatSync, readdirSync } from 'node:fs';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { dir, file, symlink } from '../helpers/layers.js';
import { findLeaks } from '../helpers/leak-check.js';
import { type Fs, Operator, outcome } from '../helpers/operator-client.js';
import { workerPrefix } from '../helpers/project-paths.js';
import {
  FALLOC_FL_KEEP_SIZE,
  FALLOC_FL_PUNCH_HOLE,
  MAP_PRIVATE,
  MAP_SHARED,
  O_APPEND,
  O_CREAT,
  O_RDONLY,
  O_RDWR,
  O_TRUNC,
  O_WRONLY,
  PROT_READ,
  PROT_WRITE,
} from '../helpers/test-constants.js';
import { NOBODY, OrdinaryUser } from './ordinary-user.js';

const HIS = { uid: NOBODY.uid, gid: NOBODY.gid };
const done = { status: 0, stdout: '', stderr: '' };
const MIB = 1024 * 1024;

let user: OrdinaryUser;
let rootOperator: Operator;
let operator: Operator;
let host: Fs;
let fs: Fs;

beforeEach(async () => {
  user = new OrdinaryUser('upper', 'm', 'src');
  rootOperator = await Operator.start();
  operator = await Operator.start({ identity: NOBODY });
  host = rootOperator.fs(user.home);
  fs = operator.fs(`${user.home}/m`);
  await host.mkdir('system');
  await host.mkdir('own');
  await rootOperator.fs(`${user.home}/system`).build(
    dir(
      {
        roots: file('of root'),
        open: file('for all', { mode: 0o666 }),
        gone: file(),
        tree: dir({ a: file('a'), sub: dir({ b: file('b') }) }, HIS),
        d: dir({ x: file('x') }, { mode: 0o777 }),
        l: symlink('roots'),
        secret: file('', { mode: 0o600 }),
      },
      { mode: 0o777 },
    ),
  );
  await rootOperator.fs(`${user.home}/own`).build(
    dir(
      {
        mine: file('mine', HIS),
        readonly: file('r', { ...HIS, mode: 0o444 }),
        big: file('y'.repeat(3 * MIB), HIS),
        fixed: dir({ in: dir({ f: file('f', HIS) }, HIS) }, { ...HIS, mode: 0o555 }),
      },
      { ...HIS, mode: 0o755 },
    ),
  );
});

afterEach(async () => {
  await operator.stop();
  await rootOperator.stop();
  user.dispose();
  // A daemon whose mount was taken away by fusermount3 ends by itself.
  await expect.poll(() => findLeaks(`${workerPrefix()}user-`), { timeout: 60_000 }).toEqual([]);
});

function mount(...args: string[]): void {
  expect(user.plyfs('mount', '-l', 'system', '-l', 'own', '--upper', 'upper', ...args, 'm')).toEqual(done);
}

describe('an ordinary user', () => {
  it('changes files of his and of root, as far as their modes let him, in an upper that overlayfs shows alike', async () => {
    mount();
    await fs.writeFile('mine', '+', O_WRONLY | O_APPEND);
    await fs.writeFile('open', 'changed', O_WRONLY | O_TRUNC);
    expect(await fs.lstat('open')).toMatchObject({ ...HIS, mode: 0o666 });
    expect(await outcome(fs.writeFile('roots', 'x'))).toBe('EACCES');
    expect(await outcome(fs.readFile('secret'))).toBe('EACCES');
    expect(await outcome(fs.chmod('roots', 0o777))).toBe('EPERM');
    expect(await outcome(fs.unlink('tree/sub/b'))).toBe('EACCES');
    await fs.unlink('gone');
    await fs.unlink('secret');
    await fs.unlink('d/x');
    await fs.rmdir('d');
    await fs.mkdir('d');
    await fs.unlink('tree/a');
    await fs.rename('mine', 'tree/moved');
    await fs.rename('l', 'link');
    await fs.chmod('readonly', 0o644);
    await fs.writeFile('readonly', 'w');
    await fs.writeFile('fixed/in/new', 'below a directory that nobody may write');
    await fs.writeFile('fixed/in/f', 'F');
    await fs.setxattr('open', 'user.a', '1');
    await fs.link('open', 'linked');
    await fs.mknod('fifo', 0o010644);
    const shown = await fs.readTree();
    expect(await host.lstat('upper/gone')).toMatchObject({ type: 'char', rdev: '0:0' });
    expect(await host.getxattr('upper/d', 'user.overlay.opaque')).toBe('y');
    expect(await outcome(fs.getxattr('d', 'user.overlay.opaque'))).toBe('ENODATA');
    expect(user.plyfs('umount', 'm')).toEqual(done);
    const dirs = `lowerdir=${user.home}/own:${user.home}/system,upperdir=${user.home}/upper`;
    const overlay = [
      '-t',
      'overlay',
      'o',
      '-o',
      `${dirs},workdir=${user.home}/w,userxattr`,
      `${user.home}/m`,
    ];
    await host.mkdir('w');
    expect(spawnSync('mount', overlay).status).toBe(0);
    try {
      expect(await rootOperator.fs(`${user.home}/m`).readTree()).toEqual(shown);
    } finally {
      spawnSync('umount', [`${user.home}/m`]);
    }
    mount();
    expect(await fs.readTree()).toEqual(shown);
    expect(user.run('fusermount3', '-u', 'm').status).toBe(0);
  });

  it('reads what others write while he has the file open, across copy-up, in descriptors and maps', async () => {
    mount();
    const reader = await fs.open('mine', O_RDONLY);
    const map = await fs.mmap(reader, 4096, PROT_READ, MAP_SHARED);
    expect((await fs.read(reader, 9, 0)).toString()).toBe('mine');
    expect(await fs.mapRead(map, 0, 4)).toBe('mine');
    await fs.writeFile('mine', 'MINE and more', O_WRONLY);
    expect((await fs.read(reader, 99, 0)).toString()).toBe('MINE and more');
    expect(await fs.mapRead(map, 0, 4)).toBe('MINE');
    await fs.writeFile('mine', 'cut', O_WRONLY | O_TRUNC);
    expect((await fs.read(reader, 99, 0)).toString()).toBe('cut');
    expect((await fs.fstat(reader)).size).toBe(3);
    await fs.unlink('mine');
    expect((await fs.read(reader, 99, 0)).toString()).toBe('cut');
  });

  it('writes in every way: maps, appends, truncate, fallocate, copy_file_range, files closed to himself', async () => {
    mount();
    const big = await fs.open('big', O_RDWR);
    const map = await fs.mmap(big, 2 * MIB, PROT_READ | PROT_WRITE, MAP_SHARED);
    await fs.mapWrite(map, MIB, 'through the map');
    await fs.msync(map);
    expect((await host.readFile('upper/big')).slice(MIB - 1, MIB + 16)).toBe('ythrough the mapy');
    await fs.fallocate(big, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, 8192);
    expect((await fs.read(big, 4, 8190)).toString()).toBe('\0\0yy');
    await fs.ftruncate(big, 2 * MIB);
    await fs.fallocate(big, 0, 2 * MIB, MIB);
    expect((await fs.fstat(big)).size).toBe(3 * MIB);
    const copy = await fs.open('copy', O_RDWR | O_CREAT, 0o200);
    await fs.copyFileRange(big, MIB, copy, 0, 15);
    expect((await fs.read(copy, 99, 0)).toString()).toBe('through the map');
    await fs.fchmod(copy, 0o000);
    await fs.ftruncate(copy, 7);
    await fs.write(copy, '!', 7);
    await fs.fsync(copy);
    expect((await fs.read(copy, 99, 0)).toString()).toBe('through!');
    const [one, two] = [
      await fs.open('log', O_CREAT | O_APPEND | O_WRONLY),
      await fs.open('log', O_APPEND | O_WRONLY),
    ];
    for (const [fd, text] of [
      [one, '1'],
      [two, '2'],
      [one, '3'],
    ] as const)
      await fs.write(fd, text);
    expect(await fs.readFile('log')).toBe('123');
    expect((await host.readFile('own/big')).length).toBe(3 * MIB);
    expect((await host.readFile('own/big')).includes('through')).toBe(false);
  });

  it('binds directories and files two-way, and has volumes under XDG_DATA_HOME', async () => {
    await host.writeFile('src/f', 'host');
    await host.chown('src/f', NOBODY.uid, NOBODY.gid);
    mount('-v', './src:/b', '-v', './src/f:/etc/f', '-v', 'data:/vol', '-v', './src:/ro:ro');
    expect(await fs.readFile('etc/f')).toBe('host');
    const fd = await fs.open('b/f', O_RDWR);
    expect((await fs.read(fd, 9, 0)).toString()).toBe('host');
    const map = await fs.mmap(fd, 4096, PROT_READ, MAP_SHARED);
    expect(await fs.mapRead(map, 0, 4)).toBe('host');
    await host.writeFile('src/f', 'changed');
    // Without passthrough a map may show the change no sooner than after a question.
    expect(['host', 'chan']).toContain(await fs.mapRead(map, 0, 4));
    expect((await fs.read(fd, 9, 0)).toString()).toBe('changed');
    expect(await fs.mapRead(map, 0, 7)).toBe('changed');
    await fs.write(fd, 'C', 0);
    expect(await host.readFile('src/f')).toBe('Changed');
    expect(await outcome(fs.writeFile('ro/f', 'x'))).toBe('EROFS');
    await fs.rename('b/f', 'b/g');
    expect(await outcome(fs.readFile('etc/f'))).toBe('ENOENT');
    await fs.writeFile('vol/kept', 'v');
    expect(await host.readFile('data/plyfs/volumes/data/_data/kept')).toBe('v');
    expect(readdirSync(`${user.home}/upper`)).toEqual([]);
  });

  it('sees through descriptors and maps from before how a file of a layer changes', async () => {
    mount();
    const other = await Operator.start({ identity: NOBODY });
    try {
      for (const name of ['mine', 'big']) {
        const fd = await fs.open(name, O_RDONLY);
        const shared = await fs.mmap(fd, 4096, PROT_READ, MAP_SHARED);
        const own = await fs.mmap(fd, 4096, PROT_READ, MAP_PRIVATE);
        const seen = async () => [
          (await fs.read(fd, 4, 0)).toString(),
          await fs.mapRead(shared, 0, 4),
          await fs.mapRead(own, 0, 4),
        ];
        expect(new Set(await seen()).size).toBe(1);
        await other.fs(`${user.home}/m`).writeFile(name, 'NEW!', O_WRONLY);
        expect(await seen()).toEqual(['NEW!', 'NEW!', 'NEW!']);
        await other.fs(`${user.home}/m`).writeFile(name, 'more', O_WRONLY | O_APPEND);
        const { size } = await fs.fstat(fd);
        expect((await fs.read(fd, 10, size - 4)).toString()).toBe('more');
        expect((await fs.read(await fs.open({ fd }), 4, 0)).toString()).toBe('NEW!');
        await fs.write(await fs.open({ fd }, O_RDWR), 'SELF', 0);
        expect(await seen()).toEqual(['SELF', 'SELF', 'SELF']);
      }
    } finally {
      await other.stop();
    }
  });

  it('has a tmpfs whose limit counts what files really hold, and which goes with the mount', async () => {
    mount('--tmpfs', '/t:size=1m,mode=750');
    expect(await fs.lstat('t')).toMatchObject({ ...HIS, mode: 0o750 });
    const fill = async (name: string): Promise<string> => outcome(fs.writeFile(name, 'z'.repeat(MIB)));
    expect(await fill('t/a')).toBe('ok');
    expect(await outcome(fs.writeFile('t/b', 'z'))).toBe('ENOSPC');
    expect(await outcome(fs.writeFile('t/a', 'over itself', O_WRONLY))).toBe('ok');
    expect(await fs.statfs('t')).toMatchObject({ bfree: 0n });
    const fd = await fs.open('t/a', O_RDWR);
    await fs.unlink('t/a');
    expect(await fill('t/c')).toBe('ENOSPC');
    await fs.close(fd);
    expect(await fill('t/c')).toBe('ok');
    await fs.writeFile('t/d', '');
    await fs.rename('t/d', 't/c');
    const sparse = await fs.open('t/s', O_RDWR | O_CREAT);
    await fs.ftruncate(sparse, 8 * MIB);
    expect(await outcome(fs.fallocate(sparse, 0, 0, 2 * MIB))).toBe('ENOSPC');
    expect(await fs.write(sparse, 'z'.repeat(MIB), MIB)).toBe(MIB);
    expect(await outcome(fs.write(sparse, 'z', 4 * MIB))).toBe('ENOSPC');
    await fs.close(sparse);
    await fs.mkdir('t/closed', 0o000);
    expect(user.plyfs('umount', 'm')).toEqual(done);
    expect(readdirSync(user.home).filter((name) => name.includes('tmpfs'))).toEqual([]);
  });

  it.each([
    [['-v', '~:/host'], /a source that holds the mount point '~\/m' needs privileges/],
    [
      ['--mount', 'type=bind,src=./src,dst=/b,bind-recursive=disabled'],
      /bind-recursive=disabled needs privileges/,
    ],
    [['--tmpfs', '/t:nr_inodes=5'], /nr_inodes needs privileges/],
    [['--tmpfs', '/t:uid=0'], /uid needs privileges/],
  ])('is refused what needs privileges, in one line: %j', (args, reason) => {
    const spec = args.map((arg) => arg.replace('~', user.home));
    const result = user.plyfs('mount', '-l', 'own', ...spec, 'm');
    expect(result).toMatchObject({ status: 1, stdout: '', stderr: expect.stringMatching(reason) });
    expect(result.stderr.trimEnd()).not.toContain('\n');
    expect(user.mounted()).toEqual([]);
    expect(existsSync(`${user.home}/run/mounts`) ? readdirSync(`${user.home}/run/mounts`) : []).toEqual([]);
  });

  it('leaves /dev/fuse, upper and work as they were found by others', () => {
    mount();
    expect(user.plyfs('umount', 'm')).toEqual(done);
    expect(lstatSync(`${user.home}/upper.work`)).toMatchObject(HIS);
  });
});
