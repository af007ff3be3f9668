/** Descriptors in a store: open though nobody has them open, found by who has the store's sockets. */

import { closeSync, openSync, readFileSync, unlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { EAGAIN } from '../../../src/errno/errno.js';
import { close, dup } from '../../../src/linux/files/open.js';
import { DescriptorStore } from '../../../src/linux/io/descriptor-store.js';
import { ok, tempDirectory } from './temp-directory.js';

let store: DescriptorStore;
beforeEach(() => {
  store = DescriptorStore.create();
});
afterEach(() => {
  store.empty();
  store.close();
});

function put(label: string, content = label): void {
  const path = join(tempDirectory().path, 'f');
  writeFileSync(path, content);
  const fd = openSync(path, 'r');
  expect(store.put(label, fd)).toBe(0);
  closeSync(fd);
  unlinkSync(path);
}

/** What is in it, with the contents of the files. */
function content(of: DescriptorStore, keeps: (label: string) => boolean = () => true): string[] {
  return of.sift(keeps).map(({ label, fd }) => {
    const text = readFileSync(`/proc/self/fd/${fd}`, 'utf8');
    close(fd);
    return `${label}=${text}`;
  });
}

describe('a store of descriptors', () => {
  it('keeps files open that have no name and no other descriptor, in their order', () => {
    put('one');
    put('two');
    expect(content(store)).toEqual(['one=one', 'two=two']);
    expect(content(store)).toEqual(['one=one', 'two=two']);
  });

  it('is whole for who has both sockets, when its maker has closed them', () => {
    put('file');
    const other = new DescriptorStore(ok(dup(store.inward)), ok(dup(store.outward)));
    store.close();
    expect(content(other)).toEqual(['file=file']);
    store = other;
  });

  it('lets go of what is not kept, and of all', () => {
    put('a');
    put('b');
    put('a', 'newer');
    expect(content(store, (label) => label === 'a')).toEqual(['a=a', 'a=newer']);
    store.empty();
    expect(content(store)).toEqual([]);
  });

  it('is not misled by what another process has not ended', () => {
    put('one');
    store.put('mark 1 1', -1);
    put('two');
    expect(content(store)).toEqual(['one=one', 'two=two']);
  });

  it('says when no more fit, and keeps what it has', () => {
    store.close();
    store = DescriptorStore.create(16_384);
    const fd = openSync('/dev/null', 'r');
    let count = 0;
    let result = 0;
    for (; result === 0 && count < 100_000; count++) result = store.put(`${count}`, fd);
    closeSync(fd);
    expect(result).toBe(-EAGAIN);
    const before = store.sift(() => true);
    for (const one of before) close(one.fd);
    // Each has one that fits no more; it may be turned about.
    expect(before.length).toBeGreaterThanOrEqual(count - 2);
    store.retain((label) => label === '5');
    expect(content(store)).toEqual(['5=']);
    store.empty();
    put('more');
    expect(content(store)).toEqual(['more=more']);
  });
});
