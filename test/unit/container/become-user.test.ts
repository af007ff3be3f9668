/** Who a command runs as, from texts of passwd and group. */

import { describe, expect, test } from 'vitest';
import { lookupUser } from '../../../src/container/enter/become-user.js';

const passwd =
  'root:x:0:0:root:/root:/bin/sh\n# comment\napp:x:1000:1001::/home/app:/bin/sh\nbroken\n7:x:70:71::/seven:\nwide:x:4294967296:0::/:\nless:x:-1:0::/:\n';
const group =
  'root:x:0:\napp:x:1001:\nextra:x:2000:app,root\nother:x:2001:nobody,4242\n8:x:9:\nwide:x:4294967296:app\n';

describe('lookupUser()', () => {
  test.each([
    ['', { uid: 0, gid: 0, groups: [2000], home: '/root' }],
    ['root', { uid: 0, gid: 0, groups: [2000], home: '/root' }],
    ['app', { uid: 1000, gid: 1001, groups: [2000], home: '/home/app' }],
    ['1000', { uid: 1000, gid: 1001, groups: [2000], home: '/home/app' }],
    ['app:extra', { uid: 1000, gid: 2000, groups: [], home: '/home/app' }],
    ['app:5', { uid: 1000, gid: 5, groups: [], home: '/home/app' }],
    ['4242', { uid: 4242, gid: 0, groups: [], home: '/' }],
    ['4242:4243', { uid: 4242, gid: 4243, groups: [], home: '/' }],
    // A number is one, though the image has a user or group of that name.
    ['7', { uid: 7, gid: 0, groups: [], home: '/' }],
    ['app:8', { uid: 1000, gid: 8, groups: [], home: '/home/app' }],
    ['70', { uid: 70, gid: 71, groups: [], home: '/seven' }],
  ])('%j is %j', (text, user) => {
    expect(lookupUser(text, passwd, group)).toEqual(user);
  });

  test.each([
    ['nobody', 'unable to find user nobody: no matching entries in passwd file'],
    ['app:nogroup', 'unable to find group nogroup: no matching entries in group file'],
    ['99999999999', "uids and gids must be in range 0-2147483647: '99999999999'"],
    ['-1', "uids and gids must be in range 0-2147483647: '-1'"],
    ['wide', "uids and gids must be in range 0-2147483647: 'wide'"],
    ['less', "uids and gids must be in range 0-2147483647: 'less'"],
    ['app:wide', "uids and gids must be in range 0-2147483647: 'wide'"],
    ['4294967296', "uids and gids must be in range 0-2147483647: '4294967296'"],
  ])('%j is refused', (text, message) => {
    expect(() => lookupUser(text, passwd, group)).toThrow(message);
  });

  test('without files numbers still work', () => {
    expect(lookupUser('12:13', '', '')).toEqual({ uid: 12, gid: 13, groups: [], home: '/' });
  });
});
