/** The log of events: what is kept, what a reader that follows gets, and what of it cannot harm. */

import { appendFileSync, existsSync, mkdirSync, mkdtempSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { deleteTree } from '../../../src/store/delete-tree.js';
import { followEvents, noteEvent, pastEvents, type StoreEvent } from '../../../src/store/event-log.js';
import { Store } from '../../../src/store/store.js';

let root: string;
let store: Store;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'plyfs-events-'));
  store = new Store(root);
});
afterEach(() => deleteTree(root));

function event(id: string, size = 0): StoreEvent {
  return { type: 'volume', action: 'create', id, attributes: { filling: 'x'.repeat(size) } };
}

const ids = () => [...pastEvents(store)].map(({ id }) => id);

test('keeps what was noted, in its order and with its time', () => {
  expect(ids()).toEqual([]);
  const before = Date.now();
  noteEvent(store, event('a'));
  noteEvent(store, event('b\nc'));
  expect(ids()).toEqual(['a', 'b\nc']);
  const [first] = [...pastEvents(store)];
  expect(first!.timeMs).toBeGreaterThanOrEqual(before);
  expect(statSync(join(root, 'events.jsonl')).mode & 0o777).toBe(0o600);
});

test('keeps the last two files, and not more', () => {
  for (let index = 0; index < 14; index++) noteEvent(store, event(String(index), 1 << 20));
  const kept = ids();
  expect(kept.at(-1)).toBe('13');
  expect(kept).toEqual(Array.from({ length: kept.length }, (_, index) => String(14 - kept.length + index)));
  expect(kept.length).toBeGreaterThanOrEqual(5);
  expect(kept.length).toBeLessThan(11);
});

test('a store that cannot be written, or is not there, does not fail what happens', () => {
  const absent = new Store(join(root, 'absent'));
  noteEvent(absent, event('a'));
  expect(existsSync(absent.root)).toBe(false);
  mkdirSync(join(root, 'events.jsonl'));
  noteEvent(store, event('a'));
});

test('lines that are none are passed over', () => {
  writeFileSync(join(root, 'events.jsonl'), 'null\n{"timeMs":1}\n[]\n{"timeMs":"x"}\n{"type\n\n');
  noteEvent(store, event('a'));
  appendFileSync(join(root, 'events.jsonl'), '{"timeMs":1,"type":"volume"');
  expect(ids()).toEqual(['a']);
});

test('followEvents() gives what was, then what comes, also across a new file and in a store that comes later', async () => {
  const late = new Store(join(root, 'late'));
  const end = new AbortController();
  const seen: string[] = [];
  const following = (async () => {
    for await (const { id } of followEvents(late, end.signal)) {
      seen.push(id);
      if (id === 'last') end.abort();
    }
  })();
  await new Promise((resolve) => setTimeout(resolve, 20));
  mkdirSync(late.root);
  const noted = [];
  for (let index = 0; index < 6; index++) {
    noteEvent(late, event(String(index), 1 << 20));
    noted.push(String(index));
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  noteEvent(late, event('last'));
  await following;
  expect(seen).toEqual([...noted, 'last']);
});
