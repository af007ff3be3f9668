/** Names that no terminal must get, as a terminal gets them: a shell makes the same names of what is shown. */

import { spawnSync } from 'node:child_process';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { oneLine, printableJson, quotedName } from '../../../src/errno/printable.js';
import { UserError } from '../../../src/errno/user-error.js';
import { nameFromText, textFromName } from '../../../src/vfs/name.js';

const UNSAFE = /[\p{Cc}\p{Cs}\p{Bidi_Control}\u2028\u2029\u200b\ufeff]/u;

describe('quotedName()', () => {
  it.each([
    ['plain', 'plain'],
    ['two words, it\'s "fine"', 'two words, it\'s "fine"'],
    ['日本語 👨‍👩‍👧', '日本語 👨‍👩‍👧'],
    ['a\nb', "'a'$'\\n''b'"],
    ['\nb', "''$'\\n''b'"],
    ['a\n', "'a'$'\\n'"],
    ["it's\x1b[31m", "'it'\\''s'$'\\033''[31m'"],
    ['a\u202eb', "'a'$'\\342\\200\\256''b'"],
    ['a\u0085b', "'a'$'\\302\\205''b'"],
    [textFromName('a\xff\xfe'), "'a'$'\\377\\376'"],
  ])('%j', (name, quoted) => {
    expect(quotedName(name)).toBe(quoted);
  });

  it('is the name again in a shell, byte for byte', () => {
    const names = fc.sample(
      fc.oneof(
        fc.string({ unit: 'binary' }).map((text) => text.replaceAll('\0', '')),
        fc
          .uint8Array({ min: 1, minLength: 1, maxLength: 12 })
          .map((all) => textFromName(Buffer.from(all).toString('latin1'))),
      ),
      { numRuns: 200, seed: 12 },
    );
    const quoted = names.map((name) => (quotedName(name) === name ? undefined : quotedName(name)));
    const words = quoted.filter((one) => one !== undefined);
    const { stdout } = spawnSync('bash', ['-c', `LC_ALL=C; printf '%s\\0' ${words.join(' ')}`], {
      encoding: 'latin1',
    });
    const wanted = names.filter((_, index) => quoted[index] !== undefined).map(nameFromText);
    expect(words.length).toBeGreaterThan(50);
    expect(stdout.split('\0').slice(0, -1)).toEqual(wanted);
    for (const word of words) expect(word).not.toMatch(UNSAFE);
  });
});

describe('oneLine()', () => {
  it('quotes within a message as the shell has it', () => {
    expect(oneLine("cannot read '/a\nb'")).toBe("cannot read '/a'$'\\n''b'");
    expect(new UserError("no such '\x1b]0;x\x07\u202e'", { hint: 'a\u2028b' })).toMatchObject({
      message: "no such ''$'\\033'']0;x'$'\\a\\342\\200\\256'''",
      hint: "a'$'\\342\\200\\250''b",
    });
  });
});

describe('printableJson()', () => {
  it('is the same value, and safe', () => {
    fc.assert(
      fc.property(fc.jsonValue(), fc.string({ unit: 'binary' }), (value, text) => {
        const json = printableJson(JSON.stringify([value, text, '\x7f\u202e\u0085'], null, 2));
        expect(JSON.parse(json)).toEqual(JSON.parse(JSON.stringify([value, text, '\x7f\u202e\u0085'])));
        expect(json.replaceAll('\n', '')).not.toMatch(UNSAFE);
      }),
    );
  });
});
