/** The command line of plyfs-overlay: fuse-overlayfs's. */

import { describe, expect, it } from 'vitest';
import { neighbourlyOptions, readOverlayArguments } from '../../../src/cli/overlay/overlay-arguments.js';
import { UserError } from '../../../src/errno/user-error.js';

describe('readOverlayArguments()', () => {
  it.each([
    [['-o', 'lowerdir=a', 'm'], { options: ['lowerdir=a'], mountpoint: 'm', foreground: false }],
    [['m', '-olowerdir=a', '-o', 'b'], { options: ['lowerdir=a', 'b'], mountpoint: 'm' }],
    [['-f', '-s', '-o', 'a', '--', '-m'], { foreground: true, debug: false, mountpoint: '-m' }],
    [['-d', 'm'], { foreground: true, debug: true }],
    [['-o', 'lowerdir=a,debug', 'm'], { foreground: true, debug: true }],
    [['--version'], { wants: 'version' }],
    [['-h'], { wants: 'help' }],
  ])('of %j', (argv, expected) => {
    expect(readOverlayArguments(argv)).toMatchObject(expected);
  });

  it.each([
    [[], 'no mount point is given'],
    [['-o'], "missing argument after '-o'"],
    [['a', 'b'], "'b' is a second mount point"],
    [['--wrong', 'a'], "unknown option '--wrong'"],
  ])('refuses %j', (argv, message) => {
    expect(() => readOverlayArguments(argv)).toThrow(UserError);
    expect(() => readOverlayArguments(argv)).toThrow(message);
  });
});

describe('neighbourlyOptions()', () => {
  it('has the last word', () => {
    expect(neighbourlyOptions(['lowerdir=a,metacopy=on'])).toEqual([
      'lowerdir=a,metacopy=on',
      'metacopy=off,redirect_dir=off,index=off,compat=fuse-overlayfs',
    ]);
    expect(neighbourlyOptions(['userxattr'])[1]).toContain('redirect_dir=nofollow');
  });
});
