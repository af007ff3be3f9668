/** Whatever a `--format` says: text, or a UserError of one line. */

import fc from 'fast-check';
import { expect, test } from 'vitest';
import { formatTemplate } from '../../../src/cli/print/format-table.js';
import { Template } from '../../../src/cli/print/template/template.js';
import { UserError } from '../../../src/errno/user-error.js';

const pieces = [
  ...[
    '{{',
    '}}',
    '{{-',
    '-}}',
    '{{end}}',
    '{{else}}',
    '{{else if .A}}',
    'range ',
    'with ',
    'if ',
    '.',
    '.A',
    '.L',
    '.M',
  ],
  ...[
    '$',
    '$x',
    ':=',
    ',',
    '|',
    '(',
    ')',
    '"',
    '`',
    "'",
    '\\',
    'index ',
    'slice ',
    'len ',
    'printf ',
    'eq ',
    'json ',
  ],
  ...[
    'lt ',
    'join ',
    'pad ',
    'truncate ',
    '%s',
    '%5d',
    '%q',
    '0',
    '-1',
    '99',
    '1.5',
    ' ',
    '\n',
    '/*',
    '*/',
    'é',
    'table ',
    '\t',
  ],
];
const text = fc.array(fc.constantFrom(...pieces), { maxLength: 25 }).map((parts) => parts.join(''));
/** Most of what is drawn at random is no template at all. */
const action = fc
  .array(fc.constantFrom(...pieces.slice(7)), { maxLength: 8 })
  .map((parts) => `{{${parts.join('')}}}`);

const row = { A: 'a\nb', L: ['x', 'y'], M: '' };

test.each([
  [
    'Template',
    (format: string) => new Template(format).render({ A: 'x', L: [1, { B: null }], M: { k: 'v' }, N: null }),
  ],
  ['formatTemplate()', (format: string) => formatTemplate([row], format, ['A', 'L', 'M'])],
])('%s', (_, render) => {
  let rendered = 0;
  fc.assert(
    fc.property(fc.oneof(text, action, fc.string({ unit: 'binary' })), (format) => {
      try {
        expect(typeof render(format)).toBe('string');
        rendered++;
      } catch (error) {
        expect(error).toBeInstanceOf(UserError);
        expect((error as Error).message).not.toMatch(/\n|is not a function|^Cannot read/);
      }
    }),
    { numRuns: 4000, seed: 12 },
  );
  expect(rendered).toBeGreaterThan(100);
});
