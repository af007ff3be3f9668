/** Fifos, sockets, device nodes; O_TMPFILE and O_DIRECT. */

import { expect } from 'vitest';
import { blockDevice, charDevice, dir, fifo, file, layers, socket, whiteout } from '../../helpers/layers.js';
import { outcome } from '../../helpers/operator-client.js';
import {
  O_CREAT,
  O_DIRECT,
  O_EXCL,
  O_NONBLOCK,
  O_RDONLY,
  O_RDWR,
  O_TMPFILE,
  O_WRONLY,
  S_IFBLK,
  S_IFCHR,
  S_IFIFO,
  S_IFREG,
  S_IFSOCK,
} from '../../helpers/test-constants.js';
import type { Case, Suite } from '../suite.js';

const cases: Case[] = [
  {
    name: 'mknod makes each type with mode and device number',
    async run(fs, t) {
      await fs.mknod('p', S_IFIFO | 0o640);
      await fs.mknod('s', S_IFSOCK | 0o600);
      await fs.mknod('c', S_IFCHR | 0o666, 1, 3);
      await fs.mknod('b', S_IFBLK | 0o660, 259, 70_000);
      await fs.mknod('f', S_IFREG | 0o444);
      await t.remount();
      expect(await fs.lstat('p')).toMatchObject({ type: 'fifo', mode: 0o640 });
      expect(await fs.lstat('s')).toMatchObject({ type: 'socket', mode: 0o600 });
      expect(await fs.lstat('c')).toMatchObject({ type: 'char', mode: 0o644, rdev: '1:3' });
      expect(await fs.lstat('b')).toMatchObject({ type: 'block', mode: 0o640, rdev: '259:70000' });
      expect(await fs.lstat('f')).toMatchObject({ type: 'file', mode: 0o444, size: 0 });
    },
  },
  {
    name: 'special files of a layer keep type, device and attributes when they change',
    layers: layers(
      dir({
        p: fifo({ mode: 0o600 }),
        s: socket({ mode: 0o755 }),
        c: charDevice(1, 5, { uid: 4 }),
        b: blockDevice(7, 300),
      }),
    ),
    async run(fs, t) {
      for (const name of ['p', 's', 'c', 'b']) await fs.chmod(name, 0o622);
      await fs.rename('c', 'zero');
      await t.remount();
      expect(await fs.lstat('p')).toMatchObject({ type: 'fifo', mode: 0o622 });
      expect(await fs.lstat('s')).toMatchObject({ type: 'socket', mode: 0o622 });
      expect(await fs.lstat('zero')).toMatchObject({ type: 'char', mode: 0o622, uid: 4, rdev: '1:5' });
      expect(await fs.lstat('b')).toMatchObject({ type: 'block', mode: 0o622, rdev: '7:300' });
    },
  },
  {
    name: 'device nodes work',
    layers: layers(dir({ zero: charDevice(1, 5), null: charDevice(1, 3) })),
    async run(fs) {
      const fd = await fs.open('zero', O_RDONLY);
      expect((await fs.read(fd, 4)).toString('latin1')).toBe('\0\0\0\0');
      expect(await fs.write(await fs.open('null', O_WRONLY), 'gone')).toBe(4);
    },
  },
  {
    name: 'a fifo of a layer carries data between its ends',
    layers: layers(dir({ p: fifo() })),
    async run(fs, t) {
      const other = await t.other();
      const reader = await fs.open('p', O_RDONLY | O_NONBLOCK);
      const writer = await other.open('p', O_WRONLY | O_NONBLOCK);
      expect(await other.write(writer, 'hello')).toBe(5);
      expect((await fs.read(reader, 10)).toString()).toBe('hello');
    },
  },
  {
    name: 'a fifo without a reader refuses a writer that does not wait',
    async run(fs) {
      await fs.mknod('p', S_IFIFO | 0o600);
      expect(await outcome(fs.open('p', O_WRONLY | O_NONBLOCK))).toBe('ENXIO');
    },
  },
  {
    name: 'a unix socket listens and answers in the directory',
    async run(fs, t) {
      const script = `
        const net = require('net');
        const server = net.createServer((c) => c.end('pong')).listen('sock', () => {
          net.connect('sock').on('data', (d) => { console.log(String(d)); server.close(); });
        });`;
      expect(await fs.run(process.execPath, '-e', script)).toMatchObject({ status: 0, stdout: 'pong\n' });
      await fs.mknod('left', S_IFSOCK | 0o700);
      await t.remount();
      expect((await fs.lstat('left')).type).toBe('socket');
    },
  },
  {
    name: 'O_TMPFILE makes a file without a name that link names',
    layers: layers(dir({ d: dir({ taken: file() }) })),
    async run(fs, t) {
      const fd = await fs.open('d', O_TMPFILE | O_RDWR, 0o640);
      await fs.write(fd, 'content');
      expect(await fs.fstat(fd)).toMatchObject({ type: 'file', mode: 0o640, nlink: 0, size: 7 });
      expect(await fs.names('d')).toEqual(['taken']);
      expect(await outcome(fs.linkDescriptor(fd, 'd/taken'))).toBe('EEXIST');
      await fs.linkDescriptor(fd, 'd/named');
      expect((await fs.fstat(fd)).nlink).toBe(1);
      await fs.write(fd, '!', 7);
      await t.remount();
      expect(await fs.readFile('d/named')).toBe('content!');
    },
  },
  {
    name: 'O_TMPFILE with O_EXCL can never be named, and needs a directory and write access',
    layers: layers(dir({ f: file() })),
    async run(fs) {
      const fd = await fs.open('', O_TMPFILE | O_RDWR | O_EXCL);
      expect(await outcome(fs.linkDescriptor(fd, 'x'))).toBe('ENOENT');
      expect(await outcome(fs.open('f', O_TMPFILE | O_RDWR))).toBe('ENOTDIR');
      expect(await outcome(fs.open('', O_TMPFILE | O_RDONLY))).toBe('EINVAL');
    },
  },
  {
    name: 'a tmpfile takes the place of a whited out name',
    layers: layers(dir({ n: file('old') }), dir({ n: whiteout() })),
    async run(fs) {
      const fd = await fs.open('', O_TMPFILE | O_RDWR);
      await fs.write(fd, 'new');
      await fs.linkDescriptor(fd, 'n');
      expect(await fs.readFile('n')).toBe('new');
    },
  },
  {
    name: 'O_DIRECT reads and writes whole blocks, together with buffered calls',
    layers: layers(dir({ low: file('L'.repeat(8192)) })),
    async run(fs) {
      const fd = await fs.open('f', O_RDWR | O_CREAT | O_DIRECT);
      expect(await fs.writeAligned(fd, Buffer.alloc(8192, 'd'), 0)).toBe(8192);
      expect(await fs.readFile('f')).toBe('d'.repeat(8192));
      await fs.writeFile('f', 'B'.repeat(4096), O_WRONLY);
      expect((await fs.readAligned(fd, 8192, 0)).toString('latin1')).toBe(
        'B'.repeat(4096) + 'd'.repeat(4096),
      );
      const low = await fs.open('low', O_RDWR | O_DIRECT);
      expect((await fs.readAligned(low, 4096, 4096)).toString('latin1')).toBe('L'.repeat(4096));
      await fs.writeAligned(low, Buffer.alloc(4096, 'U'), 4096);
      expect(await fs.readFile('low')).toBe('L'.repeat(4096) + 'U'.repeat(4096));
    },
  },
];

export const special: Suite = { name: 'special', cases };
