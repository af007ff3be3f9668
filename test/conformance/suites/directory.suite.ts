/** Names and listings: long and odd names, deep paths, large directories, listing while names come and go. */

import { expect } from 'vitest';
import { type DirSpec, dir, file, layers, whiteout } from '../../helpers/layers.js';
import type { Dirent } from '../../helpers/operations/name-operations.js';
import { type Fs, outcome } from '../../helpers/operator-client.js';
import { O_RDONLY, O_WRONLY, SEEK_SET } from '../../helpers/test-constants.js';
import type { Case, Suite } from '../suite.js';

const ODD_NAMES = [
  '\x80\x81\xfe\xff',
  'caf\xc3\xa9',
  ' lead',
  'trail ',
  'new\nline',
  '\\134',
  '"q"',
  '-rf',
  '\x01\x7f',
];

function numbered(count: number, prefix: string): Record<string, ReturnType<typeof file>> {
  return Object.fromEntries(Array.from({ length: count }, (_, n) => [`${prefix}${n}`, file()]));
}

/** PATH_MAX without the byte that ends a path. */
const PATH_BYTES = 4095;
/** Fifteen such make a path that still fits, with that of the layer before it. */
const DEEP_NAME = 'n'.repeat(250);
const LAYER_DEPTH = 15;
const DEPTH = 40;

function deep(levels: number): DirSpec {
  return levels === 1 ? dir({ bottom: file('lower') }) : dir({ [DEEP_NAME]: deep(levels - 1) });
}

/** Lists in small steps; `step` runs after each with the entries it gave. */
async function listSlowly(fs: Fs, path: string, step: (some: Dirent[]) => Promise<void>): Promise<string[]> {
  const fd = await fs.open(path, O_RDONLY);
  const seen: string[] = [];
  for (;;) {
    const some = await fs.getdents(fd, 600);
    if (some.length === 0) break;
    const real = some.filter(({ name }) => name !== '.' && name !== '..');
    seen.push(...real.map(({ name }) => name));
    await step(real);
  }
  await fs.close(fd);
  return seen;
}

const cases: Case[] = [
  {
    name: 'names of 255 bytes of any value live in layers and upper',
    layers: layers(
      dir({
        ['\xff'.repeat(255)]: file('long low'),
        ...Object.fromEntries(ODD_NAMES.map((name) => [name, file(name)])),
      }),
    ),
    async run(fs, t) {
      expect(await fs.readFile('\xff'.repeat(255))).toBe('long low');
      for (const name of ODD_NAMES) {
        expect(await fs.readFile(name)).toBe(name);
        await fs.rename(name, `${name}+`);
        await fs.mkdir(`d${name}`);
      }
      await fs.writeFile('n'.repeat(255), 'x');
      await t.remount();
      const expected = [
        ...ODD_NAMES.flatMap((name) => [`${name}+`, `d${name}`]),
        '\xff'.repeat(255),
        'n'.repeat(255),
      ];
      expect(await fs.names('')).toEqual(expected.sort());
    },
  },
  {
    name: 'a name of 256 bytes is ENAMETOOLONG, however it is used',
    async run(fs) {
      const long = 'x'.repeat(256);
      await fs.writeFile('f', '');
      const calls = [
        fs.lstat(long),
        fs.open(long, 0o101),
        fs.mkdir(long),
        fs.unlink(long),
        fs.rmdir(long),
        fs.symlink('a', long),
        fs.rename('f', long),
        fs.rename(long, 'g'),
        fs.link('f', long),
        fs.readlink(long),
        fs.mknod(long, 0o10600),
      ];
      const codes = await Promise.all(calls.map(outcome));
      expect(codes).toEqual(codes.map(() => 'ENAMETOOLONG'));
    },
  },
  {
    name: 'a path beyond PATH_MAX is reached step by step',
    async run(fs) {
      const name = 'n'.repeat(250);
      let at = await fs.open('');
      for (let depth = 0; depth < 20; depth += 1) {
        await fs.mkdir({ fd: at, name });
        const next = await fs.open({ fd: at, name });
        await fs.close(at);
        at = next;
      }
      await fs.writeFile({ fd: at, name: 'deep' }, 'bottom');
      expect(await fs.readFile({ fd: at, name: 'deep' })).toBe('bottom');
      expect(await outcome(fs.lstat(Array.from({ length: 20 }, () => name).join('/')))).toBe('ENAMETOOLONG');
      expect((await fs.run('rm', '-rf', name)).status).toBe(0);
    },
  },
  {
    name: 'a path as long as the kernel takes is made and found, one byte more is ENAMETOOLONG',
    async run(fs, t) {
      const room = PATH_BYTES - t.root.length - 1;
      const names = Array.from({ length: Math.floor(room / 251) - 1 }, () => DEEP_NAME);
      for (const depth of names.keys()) await fs.mkdir(names.slice(0, depth + 1).join('/'));
      const left = room - names.length * 251;
      const parent = [...names, 'd'.repeat(Math.floor(left / 2))].join('/');
      await fs.mkdir(parent);
      const longest = `${parent}/`.padEnd(room, 'f');
      await fs.writeFile(longest, 'x');
      await t.remount();
      expect(await fs.readFile(longest)).toBe('x');
      expect(await outcome(fs.lstat(`${longest}f`))).toBe('ENAMETOOLONG');
      expect(await outcome(fs.writeFile(`${longest}f`, ''))).toBe('ENAMETOOLONG');
    },
  },
  {
    name: 'chdir leads beyond PATH_MAX, through directories of a layer and new ones',
    layers: layers(dir({ [DEEP_NAME]: deep(LAYER_DEPTH) })),
    async run(fs) {
      await fs.chdir(DEEP_NAME);
      for (let depth = 1; depth < LAYER_DEPTH; depth += 1) await fs.chdir({ cwd: DEEP_NAME });
      await fs.writeFile({ cwd: 'bottom' }, 'changed', O_WRONLY);
      for (let depth = LAYER_DEPTH; depth < DEPTH; depth += 1) {
        await fs.mkdir({ cwd: DEEP_NAME });
        await fs.chdir({ cwd: DEEP_NAME });
      }
      await fs.writeFile({ cwd: 'new' }, 'n');
      await fs.rename({ cwd: 'new' }, { cwd: '../moved' });
      expect(await fs.readFile({ cwd: '../moved' })).toBe('n');
      expect(await fs.names({ cwd: '..' })).toEqual(['moved', DEEP_NAME]);
      for (let depth = LAYER_DEPTH; depth < DEPTH; depth += 1) await fs.chdir({ cwd: '..' });
      expect(await fs.readFile({ cwd: 'bottom' })).toBe('changed');
      await fs.chdir('');
      expect((await fs.run('rm', '-rf', DEEP_NAME)).stderr).toBe('');
      expect(await fs.names('')).toEqual([]);
    },
  },
  {
    name: 'a directory of 5,000 entries of two layers and upper lists each once',
    layers: layers(
      dir({ d: dir(numbered(2000, 'low')) }),
      dir({ d: dir({ ...numbered(2000, 'mid'), low7: whiteout(), low8: file('hidden below') }) }),
    ),
    async run(fs, t) {
      const made = await fs.run('sh', '-c', 'cd d && for i in $(seq 1001); do : > up$i; done');
      expect(made.status).toBe(0);
      const names = await fs.names('d');
      expect(names.length).toBe(5000);
      expect(new Set(names).size).toBe(5000);
      expect(names).not.toContain('low7');
      await t.remount();
      expect(await fs.names('d')).toEqual(names);
      expect((await fs.run('rm', '-rf', 'd')).stderr).toBe('');
      expect(await fs.names('')).toEqual([]);
    },
  },
  {
    name: 'removing each entry as it is listed misses none',
    layers: layers(
      dir({ d: dir(numbered(300, 'a-name-of-some-length-')) }),
      dir({ d: dir(numbered(100, 'other-')) }),
    ),
    async run(fs) {
      const seen = await listSlowly(fs, 'd', async (some) => {
        for (const { name } of some) await fs.unlink(`d/${name}`);
      });
      expect(seen.length).toBe(400);
      expect(await fs.names('d')).toEqual([]);
      expect(await outcome(fs.rmdir('d'))).toBe('ok');
    },
  },
  {
    name: 'names made while listing do not make the others come twice or not at all',
    layers: layers(dir({ d: dir(numbered(200, 'old-')) })),
    async run(fs) {
      let made = 0;
      const seen = await listSlowly(fs, 'd', async () => {
        made += 1;
        await fs.writeFile(`d/new-${made}`, '');
      });
      const old = seen.filter((name) => name.startsWith('old-'));
      expect([old.length, new Set(old).size]).toEqual([200, 200]);
      expect(new Set(seen).size).toBe(seen.length);
    },
  },
  {
    name: 'seekdir comes back to where telldir was',
    layers: layers(dir({ d: dir(numbered(100, 'a-')) }), dir({ d: dir(numbered(100, 'b-')) })),
    async run(fs) {
      const fd = await fs.open('d');
      const all: Dirent[] = [];
      for (;;) {
        const some = await fs.getdents(fd, 600);
        if (some.length === 0) break;
        all.push(...some);
      }
      for (const at of [0, 57, 120, 199]) {
        await fs.lseek(fd, all[at]!.next, SEEK_SET);
        expect((await fs.getdents(fd, 600))[0]?.name).toBe(all[at + 1]!.name);
      }
      await fs.lseek(fd, 0, SEEK_SET);
      expect((await fs.getdents(fd, 600))[0]?.name).toBe(all[0]!.name);
    },
  },
  {
    name: 'a listing begun again after rewinding shows what changed',
    layers: layers(dir({ d: dir({ a: file(), b: file() }) })),
    async run(fs) {
      const fd = await fs.open('d');
      const list = async (): Promise<string[]> => {
        await fs.lseek(fd, 0, SEEK_SET);
        const all = await fs.getdents(fd, 4096);
        return all
          .map(({ name }) => name)
          .filter((name) => !name.startsWith('.'))
          .sort();
      };
      expect(await list()).toEqual(['a', 'b']);
      await fs.unlink('d/a');
      await fs.writeFile('d/c', '');
      expect(await list()).toEqual(['b', 'c']);
      await fs.rename('d/b', 'd/e');
      expect(await list()).toEqual(['c', 'e']);
    },
  },
  {
    name: 'too small a buffer for a listing is EINVAL',
    layers: layers(dir({ d: dir({ ['n'.repeat(200)]: file() }) })),
    async run(fs) {
      const fd = await fs.open('d');
      expect(await outcome(fs.getdents(fd, 20))).toBe('EINVAL');
    },
  },
];

export const directory: Suite = { name: 'directory', cases };
