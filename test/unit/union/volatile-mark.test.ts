/** The mark of volatile mounts in a work directory: who may use upper again, and that nothing cleans the mark away. */

import { existsSync, mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { check } from '../../../src/errno/fs-error.js';
import { AT_FDCWD, O_DIRECTORY, O_RDONLY } from '../../../src/linux/constants.js';
import { openat } from '../../../src/linux/files/open.js';
import { WorkDirectory } from '../../../src/union/form/work-directory.js';

let work: string;
beforeEach(() => {
  work = mkdtempSync(join(tmpdir(), 'plyfs-work-'));
});
afterEach(() => rmSync(work, { recursive: true }));

/** What a mount does with its work directory, from its beginning to its end. */
function mount(marksVolatile: boolean): void {
  const fd = check(openat(AT_FDCWD, work, O_RDONLY | O_DIRECTORY), 'open');
  new WorkDirectory(fd, { whiteoutAttribute: 'user.overlay.whiteout', mode: 0o700, marksVolatile }).close();
}

const marks = (): string[] => readdirSync(join(work, 'work/incompat/volatile')).sort();
const refused = expect.objectContaining({ code: 'EINVAL', path: 'incompat/volatile' });

describe('an upper that was mounted volatile', () => {
  beforeEach(() => mount(true));

  it('is marked as overlayfs marks it, beside the boot', () => {
    expect(marks()).toEqual([expect.stringMatching(/^boot-[0-9a-f-]{36}$/), 'dirty']);
  });

  it('is refused, and stays marked', () => {
    for (let time = 0; time < 2; time++) expect(() => mount(false)).toThrow(refused);
    expect(marks()).toHaveLength(2);
  });

  it('is taken for a volatile mount again in the same boot alone', () => {
    mount(true);
    const [boot = ''] = marks();
    renameSync(join(work, 'work/incompat/volatile', boot), join(work, 'work/incompat/volatile/boot-before'));
    expect(() => mount(true)).toThrow(refused);
    expect(marks()).toEqual(['boot-before', 'dirty']);
  });

  it('is taken when its user has removed the mark', () => {
    rmSync(join(work, 'work/incompat/volatile'), { recursive: true });
    mount(false);
  });
});

it('an upper marked by overlayfs is refused for a volatile mount too', () => {
  mkdirSync(join(work, 'work/incompat/volatile'), { recursive: true });
  writeFileSync(join(work, 'work/incompat/volatile/dirty'), '');
  expect(() => mount(true)).toThrow(refused);
});

it('an unknown feature is refused', () => {
  mkdirSync(join(work, 'work/incompat/later'), { recursive: true });
  expect(() => mount(true)).toThrow(expect.objectContaining({ path: 'incompat/later' }));
});

it('what else lies in the work directory goes', () => {
  mkdirSync(join(work, 'work/#1/x'), { recursive: true });
  mount(false);
  expect(existsSync(join(work, 'work/#1'))).toBe(false);
});
