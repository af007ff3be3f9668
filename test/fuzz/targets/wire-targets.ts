/** Requests of the kernel, and what lies in extended attributes of upper and layers. */

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { decodeRequestHeader, RequestHeader } from '../../../src/fuse/messages/request.js';
import { AT_FDCWD } from '../../../src/linux/constants.js';
import { setxattrAt } from '../../../src/linux/files/xattr.js';
import { inheritAcl } from '../../../src/union/copy-up/posix-acl.js';
import { readMark, readMarks } from '../../../src/union/form/marks.js';
import { inodeIn, readOrigin } from '../../../src/union/form/origin.js';
import { PrivateXattrs } from '../../../src/union/form/overlay-xattrs.js';
import { Trail } from '../../../src/union/form/redirect.js';
import { nameFromText } from '../../../src/vfs/name.js';
import { exactView, hex, wireRequest } from '../../helpers/wire-requests.js';
import { requestTable } from '../../unit/fuse/request-table.js';
import type { Target } from '../target.js';

/** The first byte chooses the request; what follows is what the kernel wrote. */
const requests: Target = {
  name: 'requests',
  seeds: requestTable.map((one, index) =>
    Buffer.concat([Buffer.from([index]), wireRequest(one.opcode, hex(one.body))]),
  ),
  words: ['\0', 'a.txt\0', 'user.x\0'],
  run(input) {
    const { decode } = requestTable[(input[0] ?? 0) % requestTable.length]!;
    const view = exactView(input.subarray(1));
    decodeRequestHeader(view, new RequestHeader());
    decode(view);
  },
};

const xattrs = new PrivateXattrs('trusted');

/** The first byte chooses the attribute. */
const attributes: Target = {
  name: 'xattrs',
  seeds: [
    Buffer.concat([Buffer.from([0, 0, 0xfb, 29, 0, 1]), Buffer.alloc(16, 7), Buffer.alloc(8, 1)]),
    Buffer.concat([Buffer.from([0, 0, 0xfb, 29, 0, 0x81]), Buffer.alloc(16, 7), Buffer.alloc(8, 1)]),
    '\x01name',
    '\x01/a/b/c',
    '\x02y',
    Buffer.from(
      '0302000000010006000000000002000400e8030000040005000000000010000700000000002000050000000000'.slice(
        0,
        74,
      ),
      'hex',
    ),
  ],
  words: ['/', '..', '.', 'y', '\0'],
  run(input) {
    const kind = (input[0] ?? 0) % 4;
    const value = input.subarray(1);
    if (kind === 3) return void inheritAcl(value, 0o666);
    const attribute = [xattrs.origin, xattrs.redirect, xattrs.opaque][kind]!;
    const directory = mkdtempSync(join(tmpdir(), 'plyfs-fuzz-'));
    try {
      readAttribute(directory, attribute, value);
    } finally {
      rmSync(directory, { recursive: true });
    }
  },
};

function readAttribute(directory: string, attribute: string, value: Buffer): void {
  const name = nameFromText(`${directory}/f`);
  writeFileSync(`${directory}/f`, '');
  if (setxattrAt(AT_FDCWD, name, attribute, value, 0) < 0) return;
  readMarks(xattrs, AT_FDCWD, name);
  const origin = readOrigin(xattrs, AT_FDCWD, name);
  if (origin !== undefined) inodeIn(origin);
  if (attribute !== xattrs.redirect) return;
  const trail = new Trail('f');
  for (let times = 0; times < 3; times++) trail.follow(readMark(AT_FDCWD, name, attribute));
}

export const wireTargets: readonly Target[] = [requests, attributes];
