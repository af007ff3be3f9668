/** Errors are told apart by code: those of Node, of ours, and what is no error at all. */

import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { EACCES } from '../../../src/errno/errno.js';
import { codeOf, hasCode, isSystemError } from '../../../src/errno/error-code.js';
import { fsError } from '../../../src/errno/fs-error.js';
import { UserError } from '../../../src/errno/user-error.js';

function thrownBy(act: () => unknown): unknown {
  try {
    act();
  } catch (error) {
    return error;
  }
  throw new Error('nothing was thrown');
}

const missing = thrownBy(() => readFileSync('/does/not/exist'));
const invalid = thrownBy(() => readFileSync('\0'));

describe('codeOf()', () => {
  it.each([
    ['an error of a syscall', missing, 'ENOENT'],
    ['a wrong argument', invalid, 'ERR_INVALID_ARG_VALUE'],
    ['an FsError', fsError(EACCES, 'open'), 'EACCES'],
    ['a UserError', new UserError('no', { code: 'ERR_IN_USE' }), 'ERR_IN_USE'],
    ['a UserError without one', new UserError('no'), undefined],
    ['the exit status of a program', Object.assign(new Error('x'), { code: 1 }), undefined],
    ['no error', { code: 'ENOENT' }, undefined],
    ['nothing', undefined, undefined],
  ])('tells the code of %s', (_, error, code) => {
    expect(codeOf(error)).toBe(code);
  });
});

describe('hasCode()', () => {
  it('asks for any of several', () => {
    expect(hasCode(missing, 'ESRCH', 'ENOENT')).toBe(true);
    expect(hasCode(missing, 'ESRCH')).toBe(false);
    expect(hasCode(new Error('ENOENT'), 'ENOENT')).toBe(false);
  });
});

describe('isSystemError()', () => {
  it('is true of what a syscall gave to Node', () => {
    expect([missing, invalid, new UserError('no', { code: 'ERR_IN_USE' })].map(isSystemError)).toEqual([
      true,
      false,
      false,
    ]);
  });
});
