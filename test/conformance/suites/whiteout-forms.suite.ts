/**
 * The whiteout of kernel 6.7 and later: an empty file with the attribute `overlay.whiteout` in a directory marked
 * opaque `x`, which an overlay that lies on another one has in its layers.
 */

import { expect } from 'vitest';
import { type Attributes, dir, file, layers } from '../../helpers/layers.js';
import { outcome } from '../../helpers/operator-client.js';
import { O_RDWR } from '../../helpers/test-constants.js';
import type { Case, Suite } from '../suite.js';

const marked: Attributes = { xattrs: { 'trusted.overlay.opaque': 'x' } };
const gone = (data = '') => file(data, { xattrs: { 'trusted.overlay.whiteout': 'y' } });

const cases: Case[] = [
  {
    name: 'an empty file with the attribute hides a file and a directory below and is not listed',
    layers: layers(
      dir({ d: dir({ a: file('a'), s: dir({ x: file() }), kept: file('k') }) }),
      dir({ d: dir({ a: gone(), s: gone(), none: gone(), own: file() }, marked) }),
      dir({ d: dir({ above: file() }) }),
    ),
    needs: ['layers'],
    async run(fs, t) {
      const check = async (): Promise<void> => {
        expect(await fs.names('d')).toEqual(['above', 'kept', 'own']);
        for (const name of ['a', 's', 's/x', 'none'])
          expect([name, await outcome(fs.lstat(`d/${name}`))]).toEqual([name, 'ENOENT']);
        expect(await fs.listxattr('d')).toEqual([]);
      };
      await check();
      await fs.writeFile('d/a', 'again');
      await fs.mkdir('d/s');
      await fs.unlink('d/own');
      await t.remount();
      expect(await fs.names('d')).toEqual(['a', 'above', 'kept', 's']);
      expect(await fs.readFile('d/a')).toBe('again');
      expect(await fs.names('d/s')).toEqual([]);
    },
  },
  {
    name: 'a directory marked so is merged with those below, an empty file without the attribute is one',
    layers: layers(
      dir({ d: dir({ below: file('b'), e: file('hidden') }) }),
      dir({ d: dir({ e: file(), full: gone('data') }, marked) }),
      dir({ other: dir() }),
    ),
    needs: ['layers'],
    async run(fs) {
      expect(await fs.names('d')).toEqual(['below', 'e', 'full']);
      expect(await fs.readFile('d/e')).toBe('');
      expect(await fs.readFile('d/full')).toBe('data');
      expect(await fs.listxattr('d/full')).toEqual([]);
      const fd = await fs.open('d/e', O_RDWR);
      await fs.write(fd, 'x');
      expect(await fs.readFile('d/e')).toBe('x');
    },
  },
  {
    name: 'a directory with nothing but such whiteouts is empty, and can be removed',
    layers: layers(
      dir({ d: dir({ a: file(), b: dir() }) }),
      dir({ d: dir({ a: gone(), b: gone() }, marked) }),
      dir({ other: dir() }),
    ),
    needs: ['layers'],
    async run(fs, t) {
      expect(await fs.names('d')).toEqual([]);
      await fs.rmdir('d');
      await t.remount();
      expect(await fs.names('')).toEqual(['other']);
    },
  },
];

export const whiteoutForms: Suite = { name: 'whiteout-forms', cases };
