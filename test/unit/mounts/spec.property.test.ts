import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { UserError } from '../../../src/errno/user-error.js';
import { parseMountSpec } from '../../../src/mounts/request/mount-spec.js';
import { parseOverlayOptions } from '../../../src/mounts/request/overlay-options.js';
import { parseTmpfsSpec } from '../../../src/mounts/request/tmpfs-spec.js';
import type { MountRequest } from '../../../src/mounts/request/types.js';
import { parseVolumeSpec } from '../../../src/mounts/request/volume-spec.js';

const context = { cwd: '/cwd', memoryBytes: 2 ** 33 };

/** Pieces that get past the first checks, between arbitrary text. */
const token = fc.oneof(
  fc.constantFrom(...':,;="\\/.\n\0 '),
  fc.constantFrom(
    '/x',
    '/x/y',
    './a',
    '..',
    'name',
    'ro',
    'rw',
    'z',
    'nocopy',
    'rshared',
    'cached',
    '0:0:1',
    '5s',
  ),
  fc.constantFrom(
    'type=bind',
    'type=volume',
    'type=tmpfs',
    'type=image',
    'src=',
    'dst=/x',
    'readonly',
    'remote',
  ),
  fc.constantFrom(
    'uidmap=',
    'squash=1:1',
    'timeout=',
    'tmpfs-size=',
    'volume-opt=',
    'volume-subpath=',
    'size=',
    'mode=',
  ),
  fc.constantFrom(
    'lowerdir=',
    'upperdir=',
    'lowerdir+=',
    'index=on',
    '64m',
    '50%',
    '__proto__',
    '\u2028',
    '\x1b[2J',
  ),
  fc.string({ unit: 'binary', maxLength: 4 }),
);
const specText = fc.oneof(
  fc.string({ unit: 'binary' }),
  fc.array(token, { maxLength: 14 }).map((tokens) => tokens.join('')),
);

function outcome<T>(parse: () => T): T | undefined {
  try {
    return parse();
  } catch (error) {
    expect(error).toBeInstanceOf(UserError);
    const { message, hint = '' } = error as UserError;
    expect(message).not.toBe('');
    expect(`${message}${hint}`).not.toMatch(/[\p{Cc}\u2028\u2029]/u);
    return undefined;
  }
}

function expectValid(request: MountRequest): void {
  expect(request.target).toMatch(/^(?:\/(?!\.{1,2}(?:\/|$))[^/\0]+)+$/s);
  expect(['bind', 'volume', 'tmpfs', 'image']).toContain(request.type);
  if (request.type === 'bind') expect(request.source).toMatch(/^\/[^\0]*$/s);
  if (request.type === 'volume' && request.source !== undefined) {
    expect(request.source).toMatch(/^[a-zA-Z0-9][a-zA-Z0-9_.-]+$/);
  }
  if (request.type === 'tmpfs') expect(Number.isSafeInteger(request.sizeBytes ?? 0)).toBe(true);
  // toStrictEqual would see undefined fields, which JSON drops; toEqual does not, and the daemon neither.
  expect(JSON.parse(JSON.stringify(request))).toEqual(request);
}

describe('any text', () => {
  it.each([
    ['-v', parseVolumeSpec],
    ['--mount', parseMountSpec],
    ['--tmpfs', parseTmpfsSpec],
  ])('given to %s is a valid request or a UserError of one line', (_flag, parse) => {
    fc.assert(
      fc.property(specText, (raw) => {
        const request = outcome(() => parse(raw, context));
        if (request) expectValid(request);
      }),
      { numRuns: 3000 },
    );
  });

  it('given to -o is valid or a UserError of one line', () => {
    fc.assert(
      fc.property(fc.array(specText, { maxLength: 3 }), (values) => {
        const options = outcome(() => parseOverlayOptions(values, '/cwd'));
        for (const directory of options?.lowerdir ?? []) expect(directory).toMatch(/^\/[^\0]*$/s);
      }),
      { numRuns: 3000 },
    );
  });

  it('escaped as a lowerdir comes back as it was', () => {
    const name = fc.string({ unit: 'binary', minLength: 1 }).filter((text) => !/^\.{1,2}$|[/\0]/.test(text));
    fc.assert(
      fc.property(fc.array(name, { minLength: 1, maxLength: 4 }), (names) => {
        const escaped = names.map((text) => `/${text.replace(/[\\:,]/g, '\\$&')}`);
        const options = parseOverlayOptions([`lowerdir=${escaped.join(':')},ro`], '/cwd');
        expect(options.lowerdir).toEqual(names.map((text) => `/${text}`));
      }),
    );
  });
});
