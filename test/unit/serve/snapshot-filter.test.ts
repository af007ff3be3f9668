/** containerd's filters over snapshots. */

import { describe, expect, test } from 'vitest';
import { parseSnapshotFilters } from '../../../src/serve/containerd/snapshot-filter.js';
import type { ContainerdSnapshot } from '../../../src/serve/containerd/snapshot-record.js';

const record: ContainerdSnapshot = {
  id: '1',
  name: 'default/1/sha256:abc',
  parent: '',
  kind: 'committed',
  labels: { 'containerd.io/gc.root': 'now', plain: 'a b', empty: '' },
  createdAt: '',
  updatedAt: '',
};

const matches = (...filters: string[]): boolean => parseSnapshotFilters(filters)(record);

describe('parseSnapshotFilters()', () => {
  test.each([
    [''],
    ['kind==committed'],
    ['kind!=active'],
    [' kind == committed , name~=abc$'],
    ['name==default/1/sha256:abc'],
    ['name~=/^default\\/1/'],
    ['labels.plain=="a b"'],
    ['labels.plain==|a b|'],
    ['labels."containerd.io/gc.root"'],
    ['labels.containerd\u002e"io/gc"."root"==now'],
    ['labels.empty'],
    ['parent!=x'],
    ['labels.plain=="\\u0061\\x20b"'],
    ['labels.missing!=x'],
  ])('%s matches', (filter) => {
    expect(matches(filter)).toBe(true);
  });

  test.each([
    ['kind==active'],
    ['parent'],
    ['labels.missing'],
    ['labels.toString'],
    ['nothing'],
    ['kind==committed,name==x'],
    ['name~=^sha'],
  ])('%s does not match', (filter) => {
    expect(matches(filter)).toBe(false);
  });

  test('one of several is enough, and none matches all', () => {
    expect(matches('kind==active', 'kind==committed')).toBe(true);
    expect(matches()).toBe(true);
  });

  test.each([
    ['kind=committed'],
    ['kind=='],
    ['==x'],
    ['kind==a,'],
    ['kind=="a'],
    ['name~=('],
    ['kind committed'],
    ['labels.x=="\\q"'],
  ])('%s is refused', (filter) => {
    expect(() => matches(filter)).toThrow(/^filter \[.*: invalid argument$/);
  });
});
