/** Open files: what is kept of a file from its first open to its last release, and beyond. */

import { describe, expect, it } from 'vitest';
import { close, openat } from '../../../src/linux/files/open.js';
import { HeldDescriptors } from '../../../src/realfs/held-descriptors.js';
import { type OpenFile, OpenFiles } from '../../../src/realfs/open-files.js';
import type { OpenState } from '../../../src/realfs/open-state.js';
import { Opened } from '../../../src/vfs/attr.js';
import type { Session } from '../../../src/vfs/file-system.js';
import type { NodeId } from '../../../src/vfs/node-id.js';
import { newFile, ok, type TempDirectory, tempDirectory } from '../linux/temp-directory.js';

const nothing = (): void => undefined;
const READING = { reads: true, writes: false, appendOnly: false };
const WRITING = { reads: false, writes: true, appendOnly: false };

class File implements OpenFile {
  readonly id = 2 as NodeId;
  readonly name = 'f';
  readonly isDirectory = false;
  readonly mode = 0o100644;
  openState: OpenState | undefined;
}

/** @param kept backing ids that stay beyond the last release. */
function openFiles(directory: TempDirectory, passthrough: boolean, kept = 0): OpenFiles<File> {
  newFile(directory, 'f');
  const files = new OpenFiles<File>(
    {
      open: (file, flags) => ok(openat(directory.fd, file.name, flags)),
      openMetadata: () => -1,
      hasCapability: () => false,
      killPrivileges: nothing,
      diskOf: () => directory.fd,
      follows: () => false,
      opensLate: false,
      reopens: true,
    },
    kept,
    new HeldDescriptors(1000),
  );
  let backings = 0;
  files.session = {
    passthrough,
    openBacking: () => ++backings,
    closeBacking: nothing,
    invalidateAttributes: nothing,
  } as unknown as Session;
  return files;
}

describe('the open state of a file', () => {
  it('is made at the first open, and gone after the last release', () => {
    const files = openFiles(tempDirectory(), false);
    const file = new File();
    const [first, second] = [new Opened(), new Opened()];
    files.open(file, READING, first);
    files.open(file, WRITING, second);
    expect(file.openState).toMatchObject({ mode: 'served', openCount: 2, writers: 1, backingId: 0 });
    files.release(file, first.handle);
    files.release(file, second.handle);
    expect(file.openState).toBeUndefined();
  });

  it('stays with a backing file that is kept for the next open', () => {
    const files = openFiles(tempDirectory(), true, 10);
    const file = new File();
    const opened = new Opened();
    files.open(file, READING, opened);
    expect(file.openState).toMatchObject({ mode: 'backed', backingId: opened.backingId });
    files.release(file, opened.handle);
    expect(file.openState).toMatchObject({ mode: 'closed', openCount: 0, backingId: opened.backingId });
    const again = new Opened();
    files.open(file, READING, again);
    expect(again.backingId).toBe(opened.backingId);
    files.closeAll(file);
  });

  it('is outdated while opens go on with the file from before a copy', () => {
    const files = openFiles(tempDirectory(), true, 10);
    const file = new File();
    const opened = new Opened();
    files.open(file, READING, opened);
    files.outdate(file);
    expect(file.openState).toMatchObject({ mode: 'outdated', backingId: opened.backingId });
    const beside = new Opened();
    files.open(file, READING, beside);
    expect(beside.backingId).toBe(opened.backingId);
    files.release(file, opened.handle);
    files.release(file, beside.handle);
    expect(file.openState).toMatchObject({ mode: 'closed', backingId: 0, outdatedFd: -1 });
  });

  it('is backed again when the file from before becomes a node of its own', () => {
    const files = openFiles(tempDirectory(), true, 10);
    const file = new File();
    files.open(file, READING, new Opened());
    files.outdate(file);
    const fd = files.takeOutdated(file);
    expect(fd).toBeGreaterThan(0);
    expect(file.openState).toMatchObject({ mode: 'backed', outdatedFd: -1 });
    close(fd);
    files.closeAll(file);
  });

  it('lets go of a backing file that nobody uses when the file is copied', () => {
    const files = openFiles(tempDirectory(), true, 10);
    const file = new File();
    const opened = new Opened();
    files.open(file, READING, opened);
    files.release(file, opened.handle);
    files.outdate(file);
    expect(file.openState?.backingId).toBe(0);
  });

  it('is of no use to who asks for a file that nobody has open', () => {
    const directory = tempDirectory();
    const files = openFiles(directory, false);
    const file = new File();
    files.closeAll(file);
    files.reopen(file);
    files.closeReader(file);
    expect(file.openState).toBeUndefined();
    const fd = files.readDescriptor(file);
    expect(file.openState).toMatchObject({ mode: 'closed', readFd: fd });
    files.closeAll(file);
  });
});
