/** What the options of overlayfs's features come to. Each refusal was seen of overlayfs too, see test/cli/feature-options.long.test.ts. */

import { describe, expect, it } from 'vitest';
import { checkUnionOptions, unionFeatures } from '../../../src/daemon/config/check-union-options.js';
import { UserError } from '../../../src/errno/user-error.js';

function options(text: string): Record<string, string> {
  return Object.fromEntries(
    text === '' ? [] : text.split(',').map((one) => one.split('=') as [string, string]),
  );
}

describe('unionFeatures()', () => {
  it.each([
    ['', { metacopy: true, redirectDir: 'on', index: true }],
    ['metacopy=off', { metacopy: false, redirectDir: 'on', index: true }],
    ['index=off', { metacopy: true, redirectDir: 'on', index: false }],
    ['redirect_dir=off', { metacopy: false, redirectDir: 'follow', index: true }],
    ['redirect_dir=follow', { metacopy: false, redirectDir: 'follow', index: true }],
    ['redirect_dir=nofollow', { metacopy: false, redirectDir: 'nofollow', index: true }],
  ])('of %j as root', (text, features) => {
    expect(unionFeatures(options(text), 'trusted')).toEqual(features);
  });

  it('has no metacopy and no redirect in user.*', () => {
    expect(unionFeatures(options('index=off'), 'user')).toEqual({
      metacopy: false,
      redirectDir: 'nofollow',
      index: false,
    });
  });
});

describe('checkUnionOptions()', () => {
  const trusted = { xattrNamespace: 'trusted', isChosen: false, hasDataLayers: false } as const;
  const user = { xattrNamespace: 'user', isChosen: false, hasDataLayers: false } as const;
  const chosen = { ...user, isChosen: true };

  it.each([
    ['nfs_export=on', trusted, "cannot mount with 'nfs_export=on'"],
    ['verity=on', trusted, "cannot mount with 'verity=on'"],
    ['verity=require', chosen, "cannot mount with 'verity=require'"],
    [
      'metacopy=on,redirect_dir=off',
      trusted,
      "conflicting mount options: 'metacopy=on' and 'redirect_dir=off'",
    ],
    ['metacopy=on,redirect_dir=nofollow', trusted, "'metacopy=on' and 'redirect_dir=nofollow'"],
    ['metacopy=on', chosen, "conflicting mount options: 'userxattr' and 'metacopy=on'"],
    ['redirect_dir=off', chosen, "conflicting mount options: 'userxattr' and 'redirect_dir=off'"],
    ['metacopy=on', user, "'metacopy=on': it needs 'trusted.*' attributes"],
    ['redirect_dir=on', user, "'redirect_dir=on': it needs 'trusted.*' attributes"],
    ['metacopy=off', { ...trusted, hasDataLayers: true }, 'layers of data alone need metacopy=on'],
  ])('refuses %s', (text, attributes, message) => {
    expect(() => checkUnionOptions(options(text), attributes)).toThrow(UserError);
    expect(() => checkUnionOptions(options(text), attributes)).toThrow(message);
  });

  it.each([
    ['nfs_export=off,verity=off,metacopy=on,redirect_dir=on', trusted],
    ['redirect_dir=nofollow,metacopy=off', chosen],
    ['redirect_dir=off,metacopy=off', user],
    ['index=off', { ...chosen, hasDataLayers: true }],
  ])('takes %s', (text, attributes) => {
    expect(() => checkUnionOptions(options(text), attributes)).not.toThrow();
  });
});
