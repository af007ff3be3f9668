/** Who may make the process keep descriptors open: counted with descriptors that are really open. */

import { closeSync, openSync, statSync } from 'node:fs';
import { afterEach, describe, expect, it } from 'vitest';
import { EMFILE } from '../../../src/errno/errno.js';
import { isErrno } from '../../../src/errno/fs-error.js';
import { DescriptorCache } from '../../../src/realfs/descriptor-cache.js';
import { HeldDescriptors } from '../../../src/realfs/held-descriptors.js';

const ROOM = 1000;

const open = new Set<number>();
afterEach(() => {
  for (const fd of open) closeSync(fd);
  open.clear();
});

function openOne(): number {
  const fd = openSync('/', 'r');
  open.add(fd);
  return fd;
}

/** With room for about so many besides what is open now; an eighth of the limit is the reserve. */
function limited(): HeldDescriptors {
  const taken = statSync('/proc/self/fd').size;
  return new HeldDescriptors(Math.ceil(((taken + ROOM) * 8) / 7));
}

/** Opens and holds as many as the user may have, `most` at most. */
function fill(held: HeldDescriptors, uid: number, most = Number.POSITIVE_INFINITY): number[] {
  const fds: number[] = [];
  try {
    while (fds.length < most) {
      held.assertRoom(uid, 'open');
      const fd = openOne();
      held.hold(fd, uid);
      fds.push(fd);
    }
  } catch (error) {
    if (!isErrno(error, EMFILE)) throw error;
  }
  return fds;
}

function release(held: HeldDescriptors, fds: readonly number[]): void {
  for (const fd of fds) {
    held.close(fd);
    open.delete(fd);
  }
}

describe('held descriptors', () => {
  it('are all but the reserve for root, and free for others when closed', () => {
    const held = limited();
    const fds = fill(held, 0);
    expect(Math.abs(fds.length - ROOM)).toBeLessThan(20);
    expect(held.count).toBe(fds.length);
    expect(held.isCrowded).toBe(true);
    // One that is closed soon finds room in the reserve.
    held.assertShortRoom('unlink');
    release(held, fds);
    expect(held.count).toBe(0);
    expect(held.isCrowded).toBe(false);
    expect(fill(held, 0, 500)).toHaveLength(500);
  });

  it('of a user leave as many free as he has, for the next one and for root', () => {
    const held = limited();
    const first = fill(held, 1000).length;
    expect(Math.abs(first - ROOM / 2)).toBeLessThan(50);
    const second = fill(held, 1001).length;
    expect(Math.abs(second - ROOM / 4)).toBeLessThan(50);
    expect(Math.abs(fill(held, 0).length - ROOM / 4)).toBeLessThan(50);
  });

  it('count what nobody told of', () => {
    const held = limited();
    for (let i = 0; i < ROOM - 100; i++) openOne();
    // It asks the kernel when it has opened enough itself.
    expect(fill(held, 0).length).toBeLessThan(400);
  });

  it('make caches give way, but for a few', () => {
    const held = limited();
    const cache = new DescriptorCache(ROOM, held);
    for (let i = 0; i < ROOM - 100; i++) {
      const entry = { fd: openSync('/', 'r'), newer: undefined, older: undefined, pinned: false };
      cache.add(entry);
    }
    const fds = fill(held, 0);
    expect(fds.length).toBeGreaterThan(ROOM - 50);
    expect(cache.count).toBe(16);
    while (cache.evict());
  });

  it('are counted once, whoever closed the descriptor before', () => {
    const held = limited();
    held.hold(900, 1000);
    held.hold(900, 1001);
    expect(held.count).toBe(1);
    expect(held.forget(900)).toBe(true);
    expect(held.forget(900)).toBe(false);
    expect(held.count).toBe(0);
  });
});
