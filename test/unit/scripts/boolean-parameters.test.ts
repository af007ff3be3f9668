/** The gate against boolean flags as parameters. */

import { expect, it } from 'vitest';
import { booleanParameterFindings } from '../../../scripts/check/boolean-parameters.js';

const findings = (text: string, path = 'src/union/copy.ts') => booleanParameterFindings({ path, text });

it.each([
  'function copy(path: string, deep: boolean) {}',
  'function copy(deep = false) {}',
  'function copy(deep: boolean | undefined) {}',
  'class Copy { constructor(deep: boolean) {} }',
  'class Copy { run(deep = true) {} }',
  'const copy = (deep: boolean) => deep;',
  'interface Copy { readonly run: (deep: boolean) => void }',
])('finds the flag of %s', (text) => {
  expect(findings(`\n${text}\n`)).toEqual([
    {
      path: 'src/union/copy.ts',
      line: 2,
      message: "the parameter 'deep' is a boolean flag: pass a record or a word",
    },
  ]);
});

it.each([
  'function copy({ deep }: { readonly deep: boolean }) {}',
  'function copy(options: { deep: boolean }) {}',
  "function copy(depth: 'deep' | 'flat') {}",
  'function copy(tell: (text: string) => boolean) {}',
  'class Copy { set deep(is: boolean) {} }',
  'const hold = (holds: boolean, what: string) => {};',
])('lets %s be', (text) => {
  expect(findings(text)).toEqual([]);
});

it('looks at src alone', () => {
  expect(findings('function copy(deep: boolean) {}', 'test/helpers/copy.ts')).toEqual([]);
});
