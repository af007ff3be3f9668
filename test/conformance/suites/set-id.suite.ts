/** setuid, setgid and capabilities under a chown(2) that keeps both ids, under writes by root, and under those of maps. */

import { expect } from 'vitest';
import { dir, file, layers } from '../../helpers/layers.js';
import { type Fs, outcome } from '../../helpers/operator-client.js';
import {
  MAP_SHARED,
  O_RDONLY,
  O_RDWR,
  O_WRONLY,
  PROT_READ,
  PROT_WRITE,
} from '../../helpers/test-constants.js';
import { ALICE, BOB, type Case, type Suite } from '../suite.js';

const KEPT = -1;
const CAPABILITY = Buffer.from('0100000200200000000000000000000000000000', 'hex');
const MODES = [0o4755, 0o2755, 0o6711, 0o2644];

/** A file of each mode, and the same with capabilities. */
const tree = layers(
  dir(
    Object.fromEntries(
      MODES.flatMap((mode) => {
        const owner = { mode, uid: ALICE.uid, gid: ALICE.gid };
        const name = mode.toString(8);
        return [
          [name, file('x', owner)],
          [`cap-${name}`, file('x', { ...owner, xattrs: { 'security.capability': CAPABILITY } })],
        ];
      }),
    ),
  ),
);
const names = MODES.flatMap((mode) => [mode.toString(8), `cap-${mode.toString(8)}`]);

async function privileges(fs: Fs): Promise<string[]> {
  return Promise.all(
    names.map(async (name) => {
      const { mode } = await fs.lstat(name);
      return [mode.toString(8), ...(await fs.listxattr(name))].join(' ');
    }),
  );
}

const cases: Case[] = [
  {
    name: 'a chown that keeps both ids drops setuid, setgid and capabilities',
    layers: tree,
    async run(fs, t) {
      for (const name of names) await fs.chown(name, KEPT, KEPT);
      const expected = ['755', '755', '755', '755', '711', '711', '2644', '2644'];
      expect(await privileges(fs)).toEqual(expected);
      await t.remount();
      expect(await privileges(fs)).toEqual(expected);
    },
  },
  {
    name: 'a chown by an owner who is not in the group drops setgid also where the group may not execute',
    layers: layers(
      dir({
        foreign: file('x', { mode: 0o6640, uid: ALICE.uid, gid: 0 }),
        kept: file('x', { mode: 0o6640, uid: ALICE.uid, gid: 0 }),
        own: file('x', { mode: 0o6640, uid: ALICE.uid, gid: ALICE.gid }),
        d: dir({}, { mode: 0o2750, uid: ALICE.uid, gid: 0 }),
      }),
    ),
    async run(fs, t) {
      const alice = await t.as(ALICE);
      for (const name of ['foreign', 'own', 'd']) await alice.chown(name, KEPT, ALICE.gid);
      await alice.chown('kept', KEPT, KEPT);
      const modes = async () =>
        Promise.all(['foreign', 'kept', 'own', 'd'].map(async (name) => (await fs.lstat(name)).mode));
      expect(await modes()).toEqual([0o640, 0o640, 0o2640, 0o2750]);
      await t.remount();
      expect(await modes()).toEqual([0o640, 0o640, 0o2640, 0o2750]);
    },
  },
  {
    name: 'one by who may not change the mode is refused and drops nothing',
    layers: tree,
    async run(fs, t) {
      const before = await privileges(fs);
      const bob = await t.as(BOB);
      for (const name of names) expect(await outcome(bob.chown(name, KEPT, KEPT))).toBe('EPERM');
      expect(await privileges(fs)).toEqual(before);
      await t.remount();
      expect(await privileges(fs)).toEqual(before);
    },
  },
  {
    name: 'while somebody writes to the file, one by who may not change the mode drops nothing',
    layers: tree,
    async run(fs, t) {
      const before = await privileges(fs);
      for (const name of names) await fs.open(name, O_WRONLY);
      const bob = await t.as(BOB);
      // plyfs answers ok for what may come before a fallocate: see src/engine/operations/bare-chown.ts.
      for (const name of names) expect(['ok', 'EPERM']).toContain(await outcome(bob.chown(name, KEPT, KEPT)));
      expect(await privileges(fs)).toEqual(before);
    },
  },
  {
    name: 'a write and a truncation by root drop capabilities and leave setuid',
    layers: tree,
    async run(fs) {
      for (const name of ['cap-4755', 'cap-2755']) await fs.writeFile(name, 'y', O_WRONLY);
      for (const name of ['cap-6711', 'cap-2644']) await fs.truncate(name, 0);
      const expected = ['4755', '4755', '2755', '2755', '6711', '6711', '2644', '2644'];
      expect(await privileges(fs)).toEqual(expected);
    },
  },
  {
    name: 'an open for writing copies capabilities with the data, and the write drops them',
    layers: layers(dir({ f: file('x', { mode: 0o755, xattrs: { 'security.capability': CAPABILITY } }) })),
    async run(fs, t) {
      await fs.close(await fs.open('f', O_WRONLY));
      expect(await fs.getxattr('f', 'security.capability')).toBe(CAPABILITY.toString('latin1'));
      await t.remount();
      expect(await fs.getxattr('f', 'security.capability')).toBe(CAPABILITY.toString('latin1'));
      await fs.writeFile('f', 'y', O_WRONLY);
      expect(await fs.listxattr('f')).toEqual([]);
      await t.remount();
      expect(await fs.listxattr('f')).toEqual([]);
    },
  },
  {
    name: 'a write through a map takes neither capabilities nor set-id bits away, with a reader or without',
    layers: tree,
    async run(fs) {
      const before = await privileges(fs);
      for (const [index, name] of names.entries()) {
        const reader = await fs.open(name, O_RDONLY);
        if (index < 2) await fs.close(reader);
        const fd = await fs.open(name, O_RDWR);
        const map = await fs.mmap(fd, 1, PROT_READ | PROT_WRITE, MAP_SHARED);
        await fs.mapWrite(map, 0, 'y');
        await fs.msync(map);
        await fs.munmap(map);
        await fs.close(fd);
        expect(await fs.readFile(name)).toBe('y');
      }
      expect(await privileges(fs)).toEqual(before);
    },
  },
  {
    name: 'who removes capabilities himself, and then keeps both ids, loses setuid all the same',
    layers: layers(dir({ f: file('x', { mode: 0o4755, xattrs: { 'security.capability': CAPABILITY } }) })),
    async run(fs) {
      await fs.removexattr('f', 'security.capability');
      await fs.chown('f', KEPT, KEPT);
      expect((await fs.lstat('f')).mode).toBe(0o755);
    },
  },
];

export const setId: Suite = { name: 'set-id', cases };
