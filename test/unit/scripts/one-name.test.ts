/** The gate that keeps names apart: files by their base names, exports of src by theirs. */

import { describe, expect, it } from 'vitest';
import type { SourceFile } from '../../../scripts/check/check-finding.js';
import { oneNameFindings } from '../../../scripts/check/one-name.js';

const file = (path: string, text = ''): SourceFile => ({ path, text });
const messages = (...files: SourceFile[]) => oneNameFindings(files).map(({ message }) => message);

describe('oneNameFindings()', () => {
  it('finds the second file of a base name, in whatever folder', () => {
    const others = [file('scripts/plan.ts'), file('test/helpers/plan.ts'), file('test/unit/a/plan.test.ts')];
    expect(messages(file('src/a/plan.ts'), file('src/b/plan.ts'), ...others)).toEqual([
      "the name of the file 'plan.ts' is that of src/a/plan.ts",
      "the name of the file 'plan.ts' is that of src/a/plan.ts",
      "the name of the file 'plan.ts' is that of src/a/plan.ts",
    ]);
  });

  it('finds a function, a type and a constant that are exported twice, with the line of the second', () => {
    const first = file(
      'src/a/one.ts',
      'export function f() {}\nexport interface T {}\nexport const K = 1;\n',
    );
    const second = file('src/b/two.ts', 'export const f = 2;\nexport class T {}\nexport type K = 1;\n');
    expect(oneNameFindings([first, second]).map(({ path, line, message }) => [path, line, message])).toEqual([
      ['src/b/two.ts', 1, "the exported name 'f' is that of src/a/one.ts"],
      ['src/b/two.ts', 2, "the exported name 'T' is that of src/a/one.ts"],
      ['src/b/two.ts', 3, "the exported name 'K' is that of src/a/one.ts"],
    ]);
  });

  it('leaves alone what is not exported, what is passed on, overloads, tests, and READMEs', () => {
    expect(
      messages(
        file('src/a/one.ts', 'export function f(a: string): void;\nexport function f(a: number): void;\n'),
        file('src/b/two.ts', "function f() {}\nexport { f as g } from '../a/one.js';\n"),
        file('test/c/three.ts', 'export const f = 1;\n'),
        file('test/c/one.test.ts'),
        file('src/a/README.md'),
        file('src/b/README.md'),
      ),
    ).toEqual([]);
  });
});
