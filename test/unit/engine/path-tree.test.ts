/** Paths to nodes: what is kept, what follows a rename, and that references balance. */

import { expect, it } from 'vitest';
import { PathTree } from '../../../src/engine/fuse-native/path-tree.js';
import { FakeFileSystem } from './native-fake-file-system.js';

const NAMES = { '1/a': 2, '2/b': 3, '3/c': 4, '1/d': 5, '5/c': 6 };

function setUp(limit = 100) {
  const fake = new FakeFileSystem(NAMES);
  return { fake, tree: new PathTree(fake.fileSystem, limit, () => 1000) };
}

it('resolve() looks a name up once while its entry is trusted', () => {
  const { fake, tree } = setUp();
  expect(tree.resolve(['a', 'b', 'c']).id).toBe(4);
  expect(tree.resolve(['a', 'b', 'c']).id).toBe(4);
  expect(fake.lookups).toBe(3);
});

it('resolve() looks a name up each time when its entry is not to be trusted, and follows what it finds', () => {
  const { fake, tree } = setUp();
  fake.ttlMs = 0;
  expect(tree.resolve(['a']).id).toBe(2);
  fake.names.set('1/a', 7);
  expect(tree.resolve(['a']).id).toBe(7);
  expect([...fake.references.keys()]).toEqual([7]);
  fake.names.delete('1/a');
  expect(() => tree.resolve(['a'])).toThrow(/no such file/);
  expect([...fake.references.keys()]).toEqual([]);
});

it('moved() takes the names below along, and gives back what was replaced', () => {
  const { fake, tree } = setUp();
  tree.resolve(['a', 'b', 'c']);
  tree.resolve(['d', 'c']);
  const before = fake.lookups;
  const root = tree.resolve([]);
  tree.moved(tree.resolve(['a']), 'b', root, 'd');
  expect(tree.resolve(['d', 'c']).id).toBe(4);
  expect(fake.lookups).toBe(before);
  expect(fake.references.has(5)).toBe(false);
  expect(fake.references.has(6)).toBe(false);
});

it('moved() keeps both names of one node, as rename(2) does', () => {
  const { fake, tree } = setUp();
  fake.names.set('1/e', 2);
  tree.resolve(['a']);
  tree.resolve(['e']);
  const root = tree.resolve([]);
  tree.moved(root, 'a', root, 'e');
  expect(tree.size).toBe(2);
});

it('removed() gives references back, of an open file when its last handle closes', () => {
  const { fake, tree } = setUp();
  const node = tree.resolve(['d', 'c']);
  tree.pin(node);
  tree.removed(tree.resolve(['d']), 'c');
  expect(fake.references.get(6)).toBe(1);
  tree.unpin(node);
  expect(fake.references.has(6)).toBe(false);
});

it('gives nothing back while a request is parked', () => {
  const { fake, tree } = setUp();
  tree.resolve(['d']);
  tree.parked(1);
  tree.removed(tree.resolve([]), 'd');
  expect(fake.references.get(5)).toBe(1);
  tree.parked(0);
  expect(fake.references.has(5)).toBe(false);
});

it('sweep() gives up what nobody uses when there is too much', () => {
  const { fake, tree } = setUp(2);
  const open = tree.resolve(['a', 'b', 'c']);
  tree.resolve(['d', 'c']);
  tree.pin(open);
  tree.sweep();
  expect([...fake.references.keys()].sort()).toEqual([2, 3, 4]);
  expect(tree.size).toBe(3);
  tree.unpin(open);
  tree.sweep();
  expect(fake.references.size).toBe(0);
});
