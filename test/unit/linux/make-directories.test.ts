import { mkdtempSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { makeDirectories } from '../../../src/linux/files/make-directories.js';

const folder = mkdtempSync(join(tmpdir(), 'plyfs-make-directories-'));
afterAll(() => rmSync(folder, { recursive: true }));

describe('makeDirectories()', () => {
  it('makes all that is missing and names the topmost', () => {
    expect(makeDirectories(join(folder, 'a/b/c'), 0o700)).toBe(join(folder, 'a'));
    expect(statSync(join(folder, 'a/b')).mode & 0o777).toBe(0o700);
    expect(makeDirectories(join(folder, 'a/b/c'))).toBeUndefined();
    expect(makeDirectories(join(folder, 'a/b/d'))).toBe(join(folder, 'a/b/d'));
  });

  it('takes names that are no UTF-8', () => {
    const path = Buffer.from(`${folder}/\xff\xfe/x`, 'latin1');
    expect(makeDirectories(path)?.toString('latin1')).toBe(`${folder}/\xff\xfe`);
    expect(statSync(path).isDirectory()).toBe(true);
  });

  // Node's own goes on for ever with each of them.
  it.each(['/proc/x', '/proc/x/y', '/proc/self/fd/x', '/dev/fd/x'])('refuses %s at once', (path) => {
    expect(() => makeDirectories(path)).toThrow(expect.objectContaining({ code: 'ENOENT' }));
  });

  it('refuses what is no directory, at the end and on the way', () => {
    writeFileSync(join(folder, 'file'), '');
    symlinkSync('nowhere', join(folder, 'dangling'));
    expect(() => makeDirectories(join(folder, 'file'))).toThrow(expect.objectContaining({ code: 'EEXIST' }));
    expect(() => makeDirectories(join(folder, 'file/x/y'))).toThrow(
      expect.objectContaining({ code: 'ENOTDIR' }),
    );
    expect(() => makeDirectories(join(folder, 'dangling/x'))).toThrow(
      expect.objectContaining({ code: 'EEXIST' }),
    );
    expect(() => makeDirectories('')).toThrow(expect.objectContaining({ code: 'ENOENT' }));
  });

  it('goes through links to directories', () => {
    symlinkSync('.', join(folder, 'here'));
    expect(makeDirectories(join(folder, 'here/e/f'))).toBe(join(folder, 'here/e'));
  });
});
