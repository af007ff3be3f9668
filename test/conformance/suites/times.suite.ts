/** Timestamps: what utimensat(2) sets, and which of them each change moves. */

import { expect } from 'vitest';
import { dir, file, layers, symlink } from '../../helpers/layers.js';
import type { Fs } from '../../helpers/operator-client.js';
import {
  MAP_SHARED,
  O_DIRECTORY,
  O_NOATIME,
  O_RDONLY,
  O_RDWR,
  O_TRUNC,
  O_WRONLY,
  PROT_READ,
  PROT_WRITE,
} from '../../helpers/test-constants.js';
import type { Case, Suite } from '../suite.js';

const SECOND = 1_000_000_000n;
const OLD = 987_654_321_123_456_789n;
const REMOTE_TIMES = [
  { atimeNs: -1n, mtimeNs: -SECOND * 86_400n * 365n - 1n },
  { atimeNs: SECOND * 2n ** 31n + 5n, mtimeNs: SECOND * 2n ** 33n + 999_999_999n },
];
/** The clock of the kernel runs a tick behind, and ahead of nothing. */
const TICK_NS = 20_000_000n;

function nowNs(): bigint {
  return BigInt(Date.now()) * 1_000_000n;
}

async function moved(fs: Fs, path: string, change: () => Promise<unknown>): Promise<string> {
  const before = await fs.lstat(path);
  await new Promise((resolve) => setTimeout(resolve, 12));
  await change();
  const after = await fs.lstat(path);
  return [after.mtimeNs > before.mtimeNs ? 'm' : '-', after.ctimeNs > before.ctimeNs ? 'c' : '-'].join('');
}

/** Reads, waits longer than the clock's tick, and says whether the access time moved. */
async function readMoves(fs: Fs, path: string, read: () => Promise<unknown>): Promise<boolean> {
  const { atimeNs } = await fs.lstat(path);
  await new Promise((resolve) => setTimeout(resolve, 12));
  await read();
  return (await fs.lstat(path)).atimeNs > atimeNs;
}

async function readOnce(fs: Fs, path: string, flags = O_RDONLY): Promise<void> {
  const fd = await fs.open(path, flags);
  expect((await fs.read(fd, 1, 0)).length).toBe(1);
  await fs.close(fd);
}

const cases: Case[] = [
  {
    name: 'utimens sets both times to the nanosecond, before 1970 and far ahead too',
    layers: layers(dir({ f: file('x'), d: dir(), l: symlink('no') })),
    async run(fs, t) {
      const times: [bigint, bigint][] = [
        [OLD, OLD + 1n],
        [-1n, -SECOND * 86_400n * 365n - 1n],
        [0n, 1n],
        [SECOND * 2n ** 31n + 5n, SECOND * 2n ** 33n + 999_999_999n],
      ];
      for (const [atimeNs, mtimeNs] of times) {
        for (const name of ['f', 'd', 'l']) {
          await fs.utimens(name, atimeNs, mtimeNs);
          expect([name, await fs.lstat(name)]).toMatchObject([name, { atimeNs, mtimeNs }]);
        }
      }
      await t.remount();
      for (const name of ['f', 'd', 'l']) {
        expect((await fs.lstat(name)).mtimeNs).toBe(SECOND * 2n ** 33n + 999_999_999n);
      }
    },
  },
  {
    name: 'times of a layer before 1970 and after 2038 are shown, and kept by copy-up',
    layers: layers(
      dir(
        Object.fromEntries(
          REMOTE_TIMES.flatMap((times, index) =>
            ['mode', 'data'].map((name) => [`${name}${index}`, file('x', times)]),
          ),
        ),
      ),
    ),
    async run(fs, t) {
      const check = async (): Promise<void> => {
        for (const [index, times] of REMOTE_TIMES.entries())
          for (const name of [`mode${index}`, `data${index}`])
            expect([name, await fs.lstat(name)]).toMatchObject([name, times]);
      };
      await check();
      for (const index of REMOTE_TIMES.keys()) {
        await fs.chmod(`mode${index}`, 0o600);
        await fs.close(await fs.open(`data${index}`, O_WRONLY));
      }
      await check();
      await t.remount();
      await check();
    },
  },
  {
    name: 'UTIME_NOW and UTIME_OMIT set one time and leave the other',
    layers: layers(dir({ f: file('x', { mtimeNs: OLD, atimeNs: OLD - 1n }) })),
    async run(fs) {
      await fs.utimens('f', 'omit', 'omit');
      expect(await fs.lstat('f')).toMatchObject({ mtimeNs: OLD, atimeNs: OLD - 1n });
      await fs.utimens('f', 'omit', 7n);
      expect(await fs.lstat('f')).toMatchObject({ mtimeNs: 7n, atimeNs: OLD - 1n });
      const start = nowNs() - TICK_NS;
      await fs.utimens('f', 'now', 'omit');
      const { atimeNs, mtimeNs } = await fs.lstat('f');
      expect(mtimeNs).toBe(7n);
      expect(atimeNs).toBeGreaterThan(start);
      await fs.utimens('f', 5n, 'now');
      expect((await fs.lstat('f')).atimeNs).toBe(5n);
      expect((await fs.lstat('f')).mtimeNs).toBeGreaterThan(start);
    },
  },
  {
    name: 'reading a file moves its access time once after each change, as relatime has it',
    async run(fs) {
      await fs.writeFile('f', 'x');
      expect(await readMoves(fs, 'f', () => readOnce(fs, 'f'))).toBe(true);
      expect(await readMoves(fs, 'f', () => readOnce(fs, 'f'))).toBe(false);
      await fs.writeFile('f', 'y', O_WRONLY);
      expect(await readMoves(fs, 'f', () => readOnce(fs, 'f', O_RDONLY | O_NOATIME))).toBe(false);
      expect(await readMoves(fs, 'f', () => readOnce(fs, 'f'))).toBe(true);
      // A day and more old: moved whatever the change was.
      const { mtimeNs } = await fs.lstat('f');
      await fs.utimens('f', mtimeNs - SECOND * 90_000n, 'omit');
      expect(await readMoves(fs, 'f', () => readOnce(fs, 'f'))).toBe(true);
      expect((await fs.lstat('f')).mtimeNs).toBe(mtimeNs);
    },
  },
  {
    name: 'mapping a file moves its access time, stat and open do not',
    async run(fs) {
      await fs.writeFile('f', 'x'.repeat(4096));
      const fd = await fs.open('f');
      expect(await readMoves(fs, 'f', () => fs.fstat(fd))).toBe(false);
      expect(await readMoves(fs, 'f', () => fs.open('f'))).toBe(false);
      expect(await readMoves(fs, 'f', () => fs.mmap(fd, 4096, PROT_READ, MAP_SHARED))).toBe(true);
    },
  },
  {
    name: 'listing a directory and reading a symlink move their access times',
    async run(fs) {
      await fs.mkdir('d');
      await fs.writeFile('d/f', '');
      await fs.symlink('target', 'l');
      // readdir() of the operators asks for O_NOATIME.
      const fd = await fs.open('d', O_RDONLY | O_DIRECTORY);
      expect(await readMoves(fs, 'd', () => fs.getdents(fd, 4096))).toBe(true);
      expect(await readMoves(fs, 'l', () => fs.readlink('l'))).toBe(true);
    },
  },
  {
    name: 'reading an object of a layer moves no access time, and its copy has the same',
    needs: ['layers'],
    layers: layers(
      dir({ f: file('x', { atimeNs: OLD, mtimeNs: OLD + 1n }), l: symlink('t'), d: dir({ g: file() }) }),
    ),
    async run(fs) {
      expect(await readMoves(fs, 'f', () => readOnce(fs, 'f'))).toBe(false);
      expect(await readMoves(fs, 'l', () => fs.readlink('l'))).toBe(false);
      expect(await readMoves(fs, 'd', () => fs.readdir('d'))).toBe(false);
      await fs.chmod('f', 0o600);
      expect(await fs.lstat('f')).toMatchObject({ atimeNs: OLD, mtimeNs: OLD + 1n });
      const fd = await fs.open('f', O_RDWR);
      expect((await fs.lstat('f')).atimeNs).toBe(OLD);
      await fs.write(fd, 'y');
      await fs.close(fd);
      expect(await readMoves(fs, 'f', () => readOnce(fs, 'f'))).toBe(true);
    },
  },
  {
    name: 'new objects carry the time of their making, their parent too',
    layers: layers(dir({ d: dir({}, { mtimeNs: OLD }) })),
    async run(fs) {
      const start = nowNs() - TICK_NS;
      await fs.writeFile('d/f', '');
      await fs.mkdir('d/s');
      await fs.symlink('x', 'd/l');
      for (const name of ['d', 'd/f', 'd/s', 'd/l']) {
        const { mtimeNs, ctimeNs } = await fs.lstat(name);
        for (const time of [mtimeNs, ctimeNs]) {
          expect(time).toBeGreaterThan(start);
          expect(time).toBeLessThan(nowNs() + TICK_NS);
        }
      }
    },
  },
  {
    name: 'writing, truncating and O_TRUNC move mtime and ctime',
    layers: layers(dir({ w: file('x'), t: file('x'), o: file('x'), e: file('') })),
    async run(fs) {
      expect(await moved(fs, 'w', () => fs.writeFile('w', 'y', O_WRONLY))).toBe('mc');
      expect(await moved(fs, 't', () => fs.truncate('t', 0))).toBe('mc');
      expect(await moved(fs, 't', () => fs.truncate('t', 10))).toBe('mc');
      expect(await moved(fs, 'o', () => fs.open('o', O_RDWR | O_TRUNC))).toBe('mc');
      expect(await moved(fs, 'e', () => fs.open('e', O_RDWR | O_TRUNC))).toBe('mc');
    },
  },
  {
    name: 'chmod, chown, link and rename move ctime alone',
    layers: layers(dir({ f: file('x'), g: file('y') })),
    async run(fs) {
      expect(await moved(fs, 'f', () => fs.chmod('f', 0o600))).toBe('-c');
      expect(await moved(fs, 'f', () => fs.chown('f', 5, 5))).toBe('-c');
      expect(await moved(fs, 'f', () => fs.link('f', 'f2'))).toBe('-c');
      expect(await moved(fs, 'f', () => fs.unlink('f2'))).toBe('-c');
      expect(await moved(fs, 'f', () => fs.utimens('f', OLD, 'omit'))).toBe('-c');
    },
  },
  {
    // A copy-up may move the ctime of the directory: it makes a name in the upper one.
    name: 'a directory moves its times when a name in it comes or goes, not when a file in it changes',
    layers: layers(dir({ d: dir({ f: file('x'), g: file(), s: dir() }), o: dir() })),
    async run(fs) {
      expect(await moved(fs, 'd', () => fs.writeFile('d/f', 'y', O_WRONLY))).toMatch(/^-/);
      expect(await moved(fs, 'd', () => fs.chmod('d/g', 0o600))).toMatch(/^-/);
      expect(await moved(fs, 'd', () => fs.writeFile('d/new', ''))).toBe('mc');
      expect(await moved(fs, 'd', () => fs.unlink('d/g'))).toBe('mc');
      expect(await moved(fs, 'd', () => fs.rmdir('d/s'))).toBe('mc');
      expect(await moved(fs, 'd', () => fs.rename('d/f', 'd/h'))).toBe('mc');
      expect(await moved(fs, 'o', () => fs.rename('d/h', 'o/h'))).toBe('mc');
      expect(await moved(fs, 'd', () => fs.mkdir('d/again'))).toBe('mc');
      expect(await moved(fs, 'd', () => fs.link('o/h', 'd/link'))).toBe('mc');
    },
  },
  {
    name: 'a time set after a write stays, also when the file is closed and mounted again',
    layers: layers(dir({ f: file('x') })),
    async run(fs, t) {
      for (const name of ['f', 'n']) {
        const fd = await fs.open(name, O_RDWR | 0o100);
        await fs.write(fd, 'data');
        await fs.utimens({ fd }, OLD, OLD);
        await fs.close(fd);
        expect((await fs.lstat(name)).mtimeNs).toBe(OLD);
      }
      await t.remount();
      for (const name of ['f', 'n']) expect((await fs.lstat(name)).mtimeNs).toBe(OLD);
    },
  },
  {
    name: 'a write through a shared map moves mtime and ctime, before and after close',
    layers: layers(dir({ low: file('x'.repeat(4096)) })),
    async run(fs) {
      const filled = await fs.open('new', O_RDWR | 0o100);
      await fs.write(filled, 'x'.repeat(4096));
      await fs.close(filled);
      for (const name of ['low', 'new', 'made']) {
        const fd = await fs.open(name, O_RDWR | 0o100);
        if (name === 'made') await fs.write(fd, 'x'.repeat(4096));
        const map = await fs.mmap(fd, 4096, PROT_READ | PROT_WRITE, MAP_SHARED);
        expect(await fs.mapRead(map, 0, 1)).toBe('x');
        const write = async (data: string): Promise<void> => {
          await fs.mapWrite(map, 0, data);
          await fs.msync(map);
        };
        const first = await moved(fs, name, () => write('y'));
        await fs.close(fd);
        const second = await moved(fs, name, () => write('z'));
        await fs.munmap(map);
        expect([name, first, second]).toEqual([name, 'mc', 'mc']);
      }
    },
  },
  {
    name: 'cp -a and tar keep times, owners and modes',
    layers: layers(
      dir({
        d: dir(
          { f: file('x', { mtimeNs: OLD, mode: 0o4711, uid: 5 }), l: symlink('f') },
          { mtimeNs: OLD + 2n },
        ),
      }),
    ),
    async run(fs) {
      expect((await fs.run('cp', '-a', 'd', 'e')).stderr).toBe('');
      expect(await fs.lstat('e')).toMatchObject({ mtimeNs: OLD + 2n });
      expect(await fs.lstat('e/f')).toMatchObject({ mtimeNs: OLD, mode: 0o4711, uid: 5 });
      const piped = await fs.run('sh', '-c', 'mkdir t && tar cf - d | tar xpf - -C t');
      expect([piped.status, piped.stderr]).toEqual([0, '']);
      expect(await fs.lstat('t/d/f')).toMatchObject({ mode: 0o4711, uid: 5 });
      expect((await fs.lstat('t/d/f')).mtimeNs / SECOND).toBe(OLD / SECOND);
    },
  },
  {
    name: 'statx tells when an object was born, and no change moves that',
    layers: layers(dir({ low: file('x'), d: dir() })),
    needs: ['layers'],
    async run(fs, t) {
      for (const name of ['low', 'd']) {
        expect(await fs.birthNs(name)).toBe(await t.lower(0).birthNs(name));
      }
      await fs.writeFile('new', 'x');
      await fs.mkdir('made');
      await fs.symlink('x', 'link');
      const born = new Map<string, bigint | undefined>();
      for (const name of ['new', 'made', 'link']) {
        born.set(name, await fs.birthNs(name));
        expect(born.get(name)).toBe(await t.upper.birthNs(name));
      }
      for (const name of ['new', 'made']) await fs.chmod(name, 0o700);
      for (const name of ['new', 'made', 'link']) await fs.utimens(name, 1n, 1n);
      await fs.writeFile('new', 'more');
      await fs.rename('new', 'made/new');
      await t.remount();
      expect(await fs.birthNs('made/new')).toBe(born.get('new'));
      expect(await fs.birthNs('made')).toBe(born.get('made'));
      expect(await fs.birthNs('link')).toBe(born.get('link'));
    },
  },
];

export const times: Suite = { name: 'times', cases };
