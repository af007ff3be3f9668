import { describe, expect, test } from 'vitest';
import { type NamespaceEntry, planNamespace } from '../../../src/container/enter/namespace/plan-namespace.js';

const OURS = ['/proc', '/dev', '/sys'];

/** A directory of the host with these directories in it. */
function bind(place: string, ...points: string[]): NamespaceEntry {
  return {
    place,
    isDirectory: true,
    canAttach: true,
    isFollowed: false,
    isScratch: false,
    has: (inside, type) => type === 'directory' && points.includes(inside),
  };
}

const tree = (place: string): NamespaceEntry => ({ ...bind(place), canAttach: false });
const file = (place: string): NamespaceEntry => ({ ...bind(place), isDirectory: false, isFollowed: true });
const tmpfs = (place: string): NamespaceEntry => ({ ...bind(place), isScratch: true });

function plan(...items: NamespaceEntry[]): string[] {
  return planNamespace(items, OURS).map(
    ({ item, how, makesPoint }) => `${how} ${item.place}${makesPoint ? ' with point' : ''}`,
  );
}

describe('planNamespace()', () => {
  test('attaches shallow places first, in whatever order they are given', () => {
    expect(plan(bind('/x/y'), bind('/a'), bind('/x', 'y'))).toEqual([
      'attach /a',
      'attach /x',
      'attach /x/y',
    ]);
  });

  test('leaves to the tree what it shows by itself: files, and what the kernel cannot make', () => {
    expect(plan(file('/etc/f'), tree('/mapped'), bind('/mapped/in'))).toEqual(['attach /mapped/in']);
  });

  test('leaves to the tree a directory without a mount point for what lies in it', () => {
    expect(plan(bind('/x'), bind('/x/y'))).toEqual(['attach /x/y']);
    expect(plan(bind('/x', 'y'), bind('/x/y'), bind('/x/y/z'))).toEqual([
      'attach /x',
      'graft /x/y',
      'attach /x/y/z',
    ]);
    expect(plan(bind('/x', 'f'), file('/x/f'))).toEqual([]);
  });

  test('grafts what only the tree has over a kernel mount', () => {
    expect(plan(bind('/x', 'y'), tree('/x/y'))).toEqual(['attach /x', 'graft /x/y']);
    expect(plan(tree('/dev/mapped'))).toEqual(['graft /dev/mapped with point']);
  });

  test('makes mount points in a tmpfs and in our /dev, not in /proc and /sys', () => {
    expect(plan(tmpfs('/run'), file('/run/f'), bind('/dev/a/b'), file('/proc/meminfo'))).toEqual([
      'attach /run',
      'attach /run/f with point',
      'attach /proc/meminfo',
      'attach /dev/a/b with point',
    ]);
    expect(plan(bind('/dev', 'shm'), tmpfs('/dev/shm'))).toEqual(['attach /dev', 'attach /dev/shm']);
  });
});
