/** The gate against exports that nobody imports: each way to import a name counts, and no other. */

import { describe, expect, it } from 'vitest';
import { unusedExportFindings } from '../../../scripts/check/unused-exports.js';

const EXPORTS = 'export const value = 1;\nexport function act() {}\nexport interface Shape {}\n';

/** The names found in the exporting file when another says `importer`. */
function unused(importer: string, exporter = EXPORTS): string[] {
  const files = [
    { path: 'src/a.ts', text: exporter },
    { path: 'test/unit/b.ts', text: importer },
  ];
  return unusedExportFindings(files).map(({ message }) => message.replace(/^.*'(.*)'.*$/, '$1'));
}

describe('unusedExportFindings()', () => {
  it('finds each export that no other file imports, with its line', () => {
    expect(unusedExportFindings([{ path: 'src/a.ts', text: `${EXPORTS}act();\n` }])).toEqual(
      ['value', 'act', 'Shape'].map((name, index) => ({
        path: 'src/a.ts',
        line: index + 1,
        message: `nobody imports '${name}': do not export it`,
      })),
    );
  });

  it.each([
    ['a named import', "import { value } from '../../src/a.js';", ['act', 'Shape']],
    ['one under another name', "import { act as doIt } from '../../src/a.js';", ['value', 'Shape']],
    ['an import of a type', "import type { Shape } from '../../src/a.js';", ['value', 'act']],
    ['members of a namespace', "import * as a from '../../src/a.js';\nlet x: a.Shape;\na.act();", ['value']],
    ['a namespace that is handed on', "import * as a from '../../src/a.js';\nkeep(a);", []],
    ['a member of import()', "(await import('../../src/a.js')).act();", ['value', 'Shape']],
    ['names of import()', "const { act, value: one } = await import('../../src/a.js');", ['Shape']],
    ['an import() that is handed on', "keep(import('../../src/a.js'));", []],
    ['a type of import()', "let x: import('../../src/a.js').Shape;", ['value', 'act']],
    ['all exported again', "export * from '../../src/a.js';", []],
    ['the same name of another file', "import { value } from './a.js';", ['value', 'act', 'Shape']],
    ['a comment', "// import { value } from '../../src/a.js';", ['value', 'act', 'Shape']],
  ])('counts %s', (_, importer, expected) => {
    expect(unused(importer)).toEqual(expected);
  });

  it('sees the names of patterns and of lists', () => {
    const exporter = 'export const { one, two: [three] } = made();\nconst four = 4;\nexport { four };\n';
    expect(unused("import { three } from '../../src/a.js';", exporter)).toEqual(['one', 'four']);
  });

  it('leaves default exports and the library alone', () => {
    expect(unused('', 'export default function setup() {}\n')).toEqual([]);
    expect(unusedExportFindings([{ path: 'src/index.ts', text: EXPORTS }])).toEqual([]);
  });
});
