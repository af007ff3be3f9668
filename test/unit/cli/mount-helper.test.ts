/** How mount(8) and mount.fuse3 call plyfs. */

import { describe, expect, it } from 'vitest';
import { asCommand, mountCall } from '../../../src/cli/frame/mount-helper.js';

const isCommand = (word: string): boolean => word === 'mount' || word === 'umount';

async function commandOf(...argv: string[]): Promise<readonly string[] | undefined> {
  const call = mountCall(argv, isCommand);
  return call === undefined ? undefined : asCommand(call);
}

describe('a call by mount(8)', () => {
  it('of the helper mounts with its options, and with the source as name', async () => {
    const call = ['mount-helper', 'disk,1', '/m', '-n', '-t', 'fuse.plyfs', '-o', 'rw,lowerdir=/a\\,b:/c'];
    expect(await commandOf(...call)).toEqual(['mount', '-o', 'rw,lowerdir=/a\\,b:/c,fsname=disk\\,1', '/m']);
    expect(await commandOf('mount-helper', 'none', '/m')).toEqual(['mount', '-o', 'fsname=none', '/m']);
    expect(await commandOf('mount-helper', 'none', '/m', '-fn', '-o', 'lowerdir=/l')).toBeUndefined();
  });

  it('through mount.fuse3, which takes the source for the command, does the same', async () => {
    expect(await commandOf('src', '/m', '-o', 'ro,lowerdir=/l,dev,suid')).toEqual([
      ...['mount', '-o', 'ro,lowerdir=/l,dev,suid,fsname=src', '/m'],
    ]);
  });

  it.each([
    [
      ['src', 'm', '-o', 'lowerdir=l'],
      ['mount', '-o', 'lowerdir=l,fsname=src', 'm'],
    ],
    [
      ['-o', 'lowerdir=l', 'src', 'm'],
      ['mount', '-o', 'lowerdir=l,fsname=src', 'm'],
    ],
    [
      ['-o', 'lowerdir=l', '-o', 'ro', 'm'],
      ['mount', '-o', 'lowerdir=l,ro', 'm'],
    ],
    [
      ['m', '-o', 'lowerdir=l'],
      ['mount', '-o', 'lowerdir=l', 'm'],
    ],
  ])('as people and programs type it: %j', async (argv, expected) => {
    expect(await commandOf(...argv)).toEqual(expected);
  });

  it('leaves out what is the kernel’s', async () => {
    expect(
      await commandOf('mount-helper', 'none', '/m', '-o', 'fsname=x,user_id=0,group_id=0,lowerdir=/l'),
    ).toEqual([...['mount', '-o', 'fsname=x,lowerdir=/l', '/m']]);
  });

  it.each([
    ['a command', ['mount', '/m', '-o', 'lowerdir=/l']],
    ['an option', ['--root', '/m', '-o', 'x']],
    ['no command of plyfs, without options', ['src', 'm']],
    ['no command of plyfs, with more words', ['src', 'm', 'n', '-o', 'lowerdir=/l']],
    ['nothing', []],
  ])('is not taken for one when the first argument is %s', (_, argv) => {
    expect(mountCall(argv, isCommand)).toBeUndefined();
  });
});
