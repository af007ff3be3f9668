/** What a command in a draft sees at each mount point of the host. */

import { expect, test } from 'vitest';
import { planTree } from '../../../src/draft/mount/plan-tree.js';
import { parseMountinfo } from '../../../src/linux/mounts/mountinfo.js';

const HOST = parseMountinfo(
  [
    '20 1 8:1 / / rw - ext4 /dev/sda1 rw',
    '21 20 0:5 / /proc rw - proc proc rw',
    '22 20 0:6 / /dev rw - devtmpfs udev rw',
    '23 22 0:7 / /dev/shm rw - tmpfs tmpfs rw',
    '24 20 0:8 / /run rw - tmpfs tmpfs rw',
    '25 20 8:2 / /home rw - ext4 /dev/sda2 rw',
    '26 25 0:9 / /home/me/cache rw - tmpfs tmpfs rw',
    '27 20 7:0 / /snap/core ro - squashfs /dev/loop0 ro',
    '28 20 0:10 / /mnt rw - fuse.plyfs plyfs rw',
    '29 20 0:11 / /sys/fs/cgroup rw - cgroup2 cgroup rw',
    '30 20 8:2 / /srv rw - ext4 /dev/sda2 rw',
    '31 30 0:12 / /srv/hidden rw - tmpfs tmpfs rw',
    '32 30 0:13 / /srv rw - tmpfs over rw',
    '33 20 0:14 / /var/lib/plyfs/volumes/v/_data rw - tmpfs tmpfs rw',
  ].join('\n'),
);

const plan = (over: readonly string[]): string[] =>
  planTree({
    entries: HOST,
    over,
    hidden: ['/var/lib/plyfs'],
    isWritableDirectory: ({ type }) => type !== 'squashfs',
  }).map(({ path, how }) => `${path} ${how}`);

test('the whole tree: an area for each writable file system, the rest read-only, the kernel own trees as they are', () => {
  expect(plan([])).toEqual([
    '/ area',
    '/dev as it is',
    '/home area',
    '/mnt read-only',
    '/proc as it is',
    '/run as it is',
    // What lay below the first mount there is hidden by the second.
    '/srv area',
    '/sys as it is',
    '/snap/core read-only',
    '/home/me/cache area',
  ]);
});

test('single directories: an area each, and for each file system in them', () => {
  expect(plan(['/home/me', '/opt'])).toEqual([
    '/dev as it is',
    '/opt area',
    '/proc as it is',
    '/run as it is',
    '/sys as it is',
    '/home/me area',
    '/home/me/cache area',
  ]);
});
