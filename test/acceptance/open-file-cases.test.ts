/**
 * What a program that has a file open sees and gets while others change it, case by case (open-files.py), on a plain
 * directory, kernel overlayfs, and the union, a bind and a volume of plyfs.
 */

import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Workbench } from '../cli/plyfs-run.js';

const script = fileURLToPath(new URL('./open-files.py', import.meta.url));
const bench = new Workbench('low', 'up', 'tree', 'bound', 'plain', 'o/up', 'o/work', 'o/tree');
const outcomes = new Map<string, Map<string, string>>();

/** What FUSE has another way; its kernel part decides, not plyfs. */
const OF_FUSE: Readonly<Record<string, string>> = {
  // fs/fuse/file.c:fuse_file_operations has a poll, so that a regular file can be added; it is always ready.
  epoll_of_a_regular_file: 'None',
  // fs/notify/fanotify/fanotify_user.c:fanotify_test_fsid(): fs/fuse/inode.c:convert_fuse_statfs() leaves f_fsid 0.
  fanotify_of_a_file_system_by_handle: 'ENODEV',
};

function sh(text: string): string {
  const { code, stdout, stderr } = bench.run('bash', '-ec', text);
  expect([code, stderr]).toEqual([0, '']);
  return stdout;
}

const filled = (directory: string): string =>
  `for name in $(python3 '${script}' --names); do head -c 65536 /dev/zero | tr '\\0' a > ${directory}/$name; done`;

function tried(target: string, directory: string): void {
  const lines = sh(`python3 '${script}' ${directory}`).trim().split('\n');
  outcomes.set(target, new Map(lines.map((line) => line.split(/: (.*)/s, 2) as [string, string])));
}

beforeAll(() => {
  sh(`${filled('low')}; ${filled('bound')}; ${filled('plain')}`);
  sh('mount -t overlay o -o lowerdir=low,upperdir=o/up,workdir=o/work o/tree');
  tried('overlayfs', 'o/tree');
  sh('umount o/tree');
  tried('plain', 'plain');
  const over = ['-v', `${bench.root}/bound:/bound`, '-v', 'kept:/volume'];
  const { code } = bench.plyfs('--root', 'store', 'mount', '-l', 'low', '--upper', 'up', ...over, 'tree');
  expect(code).toBe(0);
  sh(filled('tree/volume'));
  tried('union', 'tree');
  tried('bind', 'tree/bound');
  tried('volume', 'tree/volume');
}, 240_000);

afterAll(() => {
  bench.plyfs('umount', 'tree');
  bench.dispose();
});

describe.each(['union', 'bind', 'volume'])('%s', (target) => {
  it('has what kernel overlayfs or a plain directory has, but for what FUSE lacks', () => {
    const differing = [...(outcomes.get(target) ?? [])]
      .filter(([name]) => OF_FUSE[name] === undefined)
      .filter(
        ([name, own]) =>
          ![outcomes.get('overlayfs')?.get(name), outcomes.get('plain')?.get(name)].includes(own),
      )
      .map(([name, own]) => `${name}: ${own}, overlayfs: ${outcomes.get('overlayfs')?.get(name)}`);
    expect(differing).toEqual([]);
  });

  it('has what FUSE has', () => {
    for (const [name, own] of Object.entries(OF_FUSE))
      expect(outcomes.get(target)?.get(name), name).toBe(own);
  });
});

it('no case ends with an error of its own', () => {
  const all = [...outcomes.values()].flatMap((one) => [...one]);
  expect(all.length).toBeGreaterThan(150);
  expect(all.filter(([, outcome]) => /raises|hangs|dies/.test(outcome))).toEqual([]);
});
