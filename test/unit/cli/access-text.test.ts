/** What `plyfs why --user` says a user may do. */

import { expect, test } from 'vitest';
import { accessText, parseUser } from '../../../src/cli/print/access-text.js';
import type { WayStep } from '../../../src/daemon/messages/why-reply.js';

const root: WayStep = { path: '/', mode: 0o40755, uid: 0, gid: 0, hasAcl: false };
const dir: WayStep = { path: '/d', mode: 0o40710, uid: 0, gid: 7, hasAcl: false };
const file: WayStep = { path: '/d/x', mode: 0o100640, uid: 1000, gid: 8, hasAcl: false };

test.each([
  ['33', [root, dir, file], 'user 33 does not get there (EACCES): /d is 0710 of 0:7'],
  ['33:7', [root, dir, file], 'user 33 may not read, write, execute (EACCES): /d/x is 0640 of 1000:8'],
  ['33:7,8', [root, dir, file], 'user 33 may read, may not write, execute (EACCES): /d/x is 0640 of 1000:8'],
  [
    '1000:7',
    [root, dir, file],
    'user 1000 may read, write, may not execute (EACCES): /d/x is 0640 of 1000:8',
  ],
  ['0', [root, dir, file], 'user 0 may read, write, may not execute (EACCES): /d/x is 0640 of 1000:8'],
  ['5:7', [root, dir], 'user 5 may go on, may not list, change names (EACCES): /d is 0710 of 0:7'],
  ['5', [root], 'user 5 may list, go on, may not change names (EACCES): / is 0755 of 0:0'],
  [
    '5',
    [{ ...dir, hasAcl: true }, file],
    'user 5 does not get there (EACCES): /d is 0710 of 0:7, and its ACL may say otherwise (getfacl)',
  ],
] as const)('of user %s: %#', (user, way, words) => {
  expect(accessText(way, parseUser(user)!)).toBe(words);
});

test.each(['', 'root', '1:', ':1', '1:2,', '-1', '1:x'])('%j is no user', (text) => {
  expect(parseUser(text)).toBeUndefined();
});
