/** An overlay whose layers lie in the mount: its private attributes are kept as ordinary ones there, escaped below. */

import { expect } from 'vitest';
import { dir, file, layers } from '../../helpers/layers.js';
import { type Fs, outcome } from '../../helpers/operator-client.js';
import { S_IFCHR } from '../../helpers/test-constants.js';
import type { Case, Suite } from '../suite.js';

const OPAQUE = 'trusted.overlay.opaque';

async function mounted<T>(fs: Fs, options: string, use: () => Promise<T>): Promise<T> {
  const done = await fs.run('mount', '-t', 'overlay', 'plyfs-test', '-o', options, 'at');
  expect([done.status, done.stderr]).toEqual([0, '']);
  try {
    return await use();
  } finally {
    expect((await fs.run('umount', 'at')).status).toBe(0);
  }
}

const cases: Case[] = [
  {
    name: 'an attribute of an overlay is set, read, listed and removed like any other',
    layers: layers(dir({ d: dir({ f: file('x') }) })),
    async run(fs, t) {
      for (const name of [OPAQUE, 'user.overlay.opaque', 'trusted.overlay.overlay.opaque']) {
        await fs.setxattr('d', name, 'y');
        expect(await fs.getxattr('d', name)).toBe('y');
      }
      const all = [OPAQUE, 'trusted.overlay.overlay.opaque', 'user.overlay.opaque'];
      expect(await fs.listxattr('d')).toEqual(all);
      await t.remount();
      expect(await fs.listxattr('d')).toEqual(all);
      expect(await fs.names('d')).toEqual(['f']);
      await fs.removexattr('d', OPAQUE);
      expect(await outcome(fs.getxattr('d', OPAQUE))).toBe('ENODATA');
      expect(await fs.listxattr('d')).toEqual(all.filter((name) => name !== OPAQUE));
    },
  },
  {
    name: 'it lies escaped in upper, and comes from a layer where it lies escaped',
    layers: layers(
      dir({
        f: file('x', { xattrs: { 'trusted.overlay.overlay.origin': 'o', 'user.overlay.x': 'u' } }),
        d: dir({}, { xattrs: { 'trusted.overlay.overlay.opaque': 'y' } }),
      }),
    ),
    needs: ['layers'],
    async run(fs, t) {
      expect(await fs.getxattr('f', 'trusted.overlay.origin')).toBe('o');
      expect(await fs.listxattr('d')).toEqual([OPAQUE]);
      await fs.chmod('f', 0o600);
      await fs.chmod('d', 0o700);
      await t.remount();
      expect(await fs.listxattr('f')).toEqual(['trusted.overlay.origin', 'user.overlay.x']);
      expect(await fs.listxattr('d')).toEqual([OPAQUE]);
      expect(await t.upper.getxattr('d', 'trusted.overlay.overlay.opaque')).toBe('y');
      expect(await t.upper.getxattr('f', 'user.overlay.x')).toBe('u');
      expect(await outcome(t.upper.getxattr('d', OPAQUE))).toBe('ENODATA');
    },
  },
  {
    name: 'an overlay of layers in the mount shows their union, whiteouts and opaque directories too',
    layers: layers(
      dir({
        at: dir(),
        low: dir({ gone: file(), kept: file('k'), d: dir({ hidden: file() }), e: dir({ x: file() }) }),
      }),
    ),
    async run(fs) {
      await fs.mkdir('top');
      await fs.setxattr('top', OPAQUE, 'x');
      await fs.writeFile('top/gone', '');
      await fs.setxattr('top/gone', 'trusted.overlay.whiteout', 'y');
      await fs.mkdir('top/d');
      await fs.setxattr('top/d', OPAQUE, 'y');
      await fs.writeFile('top/d/own', 'o');
      const root = (await fs.run('pwd')).stdout.trim();
      await mounted(fs, `lowerdir=${root}/top:${root}/low`, async () => {
        expect(await fs.names('at')).toEqual(['d', 'e', 'kept']);
        expect(await fs.names('at/d')).toEqual(['own']);
        expect(await fs.readFile('at/kept')).toBe('k');
        expect(await fs.listxattr('at/d')).toEqual([]);
      });
    },
  },
  {
    name: 'a device that would be a whiteout is refused, so that nothing is made that cannot be seen',
    needs: ['layers'],
    async run(fs) {
      expect(await outcome(fs.mknod('w', S_IFCHR | 0o600))).toBe('EPERM');
      expect(await fs.names('')).toEqual([]);
    },
  },
];

export const nested: Suite = { name: 'nested', cases };
