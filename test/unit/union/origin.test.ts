/** The origin record, compared byte by byte with what kernel overlayfs writes on copy-up of the same file. */

import { execFileSync } from 'node:child_process';
import { chmodSync, mkdirSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { AT_FDCWD, O_DIRECTORY, O_RDONLY } from '../../../src/linux/constants.js';
import { openat } from '../../../src/linux/files/open.js';
import { getxattrAt } from '../../../src/linux/files/xattr.js';
import { fileSystemUuid, originRecord } from '../../../src/union/form/origin.js';
import { closing, ok, tempDirectory } from '../linux/temp-directory.js';

/** Copies `name` up in a kernel overlay. @returns the origin xattr of the copy. */
function originByOverlayfs(root: { path: string; fd: number }): Buffer {
  const at = (name: string): string => join(root.path, name);
  for (const name of ['upper', 'work', 'merged']) mkdirSync(at(name));
  const options = `lowerdir=${at('lower')},upperdir=${at('upper')},workdir=${at('work')}`;
  execFileSync('mount', ['-t', 'overlay', 'plyfs-test', '-o', options, at('merged')]);
  let mounted = true;
  onTestFinished(() => {
    if (mounted) execFileSync('umount', [at('merged')]);
  });
  chmodSync(at('merged/object'), 0o700);
  execFileSync('umount', [at('merged')]);
  mounted = false;
  const value = Buffer.alloc(256);
  const length = ok(getxattrAt(root.fd, 'upper/object', 'trusted.overlay.origin', value));
  return value.subarray(0, length);
}

describe('originRecord()', () => {
  it.each(['file', 'directory'])('of a %s is what overlayfs writes', (type) => {
    const root = tempDirectory();
    mkdirSync(join(root.path, 'lower'));
    const object = join(root.path, 'lower/object');
    if (type === 'file') writeFileSync(object, 'x');
    else mkdirSync(object);
    const lower = closing(openat(AT_FDCWD, join(root.path, 'lower'), O_RDONLY | O_DIRECTORY));
    const record = originRecord(lower, 'object', fileSystemUuid(lower));
    expect(record?.toString('hex')).toBe(originByOverlayfs(root).toString('hex'));
  });

  it('names the inode, and a symlink itself', () => {
    const { path, fd } = tempDirectory();
    writeFileSync(join(path, 'file'), '');
    symlinkSync('file', join(path, 'link'));
    const uuid = Buffer.alloc(16, 7);
    const record = originRecord(fd, 'file', uuid)!;
    expect(record.readUInt32LE(21)).toBe(statSync(join(path, 'file')).ino % 2 ** 32);
    expect(record.subarray(5, 21)).toEqual(uuid);
    expect(record[2]).toBe(record.length);
    expect(originRecord(fd, 'link', uuid)).not.toEqual(record);
  });

  it('is undefined for a name that is not there', () => {
    const { fd } = tempDirectory();
    expect(originRecord(fd, 'missing', Buffer.alloc(16))).toBeUndefined();
  });
});
