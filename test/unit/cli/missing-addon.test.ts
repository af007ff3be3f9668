/** Without koffi's addon every command ends in one line that says what to do. */

import { expect, it } from 'vitest';
import { errorLine } from '../../../src/cli/print/output.js';
import { missingAddon } from '../../../src/errno/missing-addon.js';
import { UserError } from '../../../src/errno/user-error.js';

const LINE =
  /^plyfs ps: the addon of koffi for linux-\w+, which system calls need, cannot be loaded: (.*); install plyfs again with its optional packages: npm install -g --include=optional plyfs\n$/;

it.each([
  ['Cannot find the native Koffi module; did you bundle it correctly?', 'it is not installed'],
  ["Cannot find package 'koffi' imported from /x.js", "Cannot find package 'koffi' imported from /x.js"],
  ['/x/koffi.node: invalid ELF header\nmore', '/x/koffi.node: invalid ELF header'],
])('%j is told in a line', (message, why) => {
  expect(LINE.exec(errorLine('ps', new Error(message), { debug: false }))?.[1]).toBe(why);
});

it.each([
  [new UserError("no such image: 'koffi'")],
  [Object.assign(new Error("ENOENT: no such file, open '/koffi'"), { code: 'ENOENT', syscall: 'open' })],
  [new Error('another')],
  ['koffi'],
])('%s is no such error', (error) => {
  expect(missingAddon(error)).toBeUndefined();
});
