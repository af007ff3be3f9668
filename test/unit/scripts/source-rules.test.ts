/** Each source rule of `npm run check` fails on a text that breaks it and passes the nearest one that does not. */

import { describe, expect, it } from 'vitest';
import { configuredPackageHosts, hostsIn } from '../../../scripts/check/package-hosts.js';
import {
  docCommentFindings,
  emptyCatchFindings,
  fileLengthFindings,
  hostRule,
  maxFileLines,
  maxReadmeLines,
  processImportFindings,
  readmeFindings,
  switchedOffFindings,
} from '../../../scripts/check/source-rules.js';

const lines = (count: number) => 'x\n'.repeat(count);

describe('fileLengthFindings()', () => {
  it('accepts 500 lines and refuses 501', () => {
    expect(fileLengthFindings({ path: 'src/a.ts', text: lines(maxFileLines) })).toEqual([]);
    expect(fileLengthFindings({ path: 'src/a.ts', text: lines(maxFileLines + 1) })).toEqual([
      { path: 'src/a.ts', line: 501, message: '501 lines, at most 500' },
    ]);
  });

  it('counts a last line without a newline', () => {
    expect(fileLengthFindings({ path: 'src/a.ts', text: `${lines(maxFileLines)}x` })).toHaveLength(1);
  });

  it('leaves data alone', () => {
    expect(fileLengthFindings({ path: 'package-lock.json', text: lines(4000) })).toEqual([]);
  });
});

describe('readmeFindings()', () => {
  it('limits the READMEs of modules, not the one of the project', () => {
    const text = lines(maxReadmeLines + 1);
    expect(readmeFindings({ path: 'src/union/README.md', text })).toHaveLength(1);
    expect(readmeFindings({ path: 'scripts/README.md', text })).toHaveLength(1);
    expect(readmeFindings({ path: 'README.md', text })).toEqual([]);
    expect(readmeFindings({ path: 'src/union/README.md', text: lines(maxReadmeLines) })).toEqual([]);
  });
});

describe('hostRule()', () => {
  const host = (...labels: string[]) => labels.join('.');

  it('finds the well-known hosts and the configured ones', () => {
    const rule = hostRule(['mirror.example']);
    const text = [
      'a',
      `get ${host('registry', 'npmjs', 'org')}/x`,
      `http://${host('deb', 'debian', 'org')}/`,
    ].join('\n');
    expect(rule({ path: 'a.sh', text }).map(({ line }) => line)).toEqual([2, 3]);
    expect(rule({ path: 'a.sh', text: 'curl https://mirror.example/debian' })).toHaveLength(1);
  });

  it('takes a dot for a dot and does not look into longer names', () => {
    const rule = hostRule(['mirror.example']);
    expect(rule({ path: 'a.sh', text: 'mirrorXexample my-mirror.example mirror.examples' })).toEqual([]);
  });

  it('reads hosts from configuration, without user, port and comments', () => {
    const text =
      '# http://old.example/\nregistry=https://user:pass@npm.example:8443/x\nURIs: http://apt.example/debian';
    expect(hostsIn(text)).toEqual(['npm.example', 'apt.example']);
    expect(configuredPackageHosts().every((name) => /^[\w.-]+$/.test(name))).toBe(true);
  });
});

/** What the rules below read are texts: no test is switched off by them, and nothing is caught. */
describe('switchedOffFindings()', () => {
  const found = (text: string) => switchedOffFindings({ path: 'test/unit/a.test.ts', text });

  it('finds skip, only and todo, chained too', () => {
    for (const word of ['skip', 'only', 'todo']) {
      expect(found(`it.${word}('x', () => undefined);`)).toHaveLength(1);
      expect(found(`describe.concurrent.${word}('x', () => undefined);`)).toHaveLength(1);
    }
    expect(found(`${'x'}it('x', () => undefined);`)).toHaveLength(1);
  });

  it('leaves strings, other names and other folders alone', () => {
    // Both are texts that the rule reads: no test is switched off here.
    expect(found("it('says it.only when alone', () => list.skip(2));")).toEqual([]);
    expect(switchedOffFindings({ path: 'src/a.ts', text: 'it.only()' })).toEqual([]);
  });
});

describe('processImportFindings()', () => {
  it('finds an import of node:process in what is shipped', () => {
    const text = "import { chdir } from 'node:process';";
    expect(processImportFindings({ path: 'src/a.ts', text })).toHaveLength(1);
    expect(processImportFindings({ path: 'scripts/a.ts', text })).toEqual([]);
    expect(processImportFindings({ path: 'src/a.ts', text: "process.chdir('/')" })).toEqual([]);
  });
});

describe('docCommentFindings()', () => {
  const found = (text: string) => docCommentFindings({ path: 'src/a.ts', text }).map(({ line }) => line);

  it('finds one that begins with "Of" or "Who"', () => {
    expect(found(`let a;\n/** ${'Of'} the union. */\n`)).toEqual([2]);
    expect(found('/**\n * Who asks.\n */')).toEqual([1]);
  });

  it('accepts a noun, a verb, and words in between', () => {
    expect(
      found('/** The upper of the union. */\n/** Offers it. */\n/** Tells who asks. */\n// Of it'),
    ).toEqual([]);
  });
});

describe('emptyCatchFindings()', () => {
  const found = (text: string) => emptyCatchFindings({ path: 'src/a.ts', text }).map(({ line }) => line);

  it('finds an empty one and one with only a comment', () => {
    // Texts that the rule reads: nothing is caught here.
    expect(found('try { f(); }\ncatch {}')).toEqual([2]);
    expect(found('try { f(); } catch (error) {\n  // never mind\n}')).toEqual([1]);
    expect(found('try { f(); } catch { /* never mind */ }')).toEqual([1]);
    expect(found('void f().catch(() => {});')).toEqual([1]);
  });

  it('accepts a catch that does something', () => {
    expect(found("try { f(); } catch (error) {\n  if (code(error) !== 'ENOENT') throw error;\n}")).toEqual(
      [],
    );
    // A text within the text that the rule reads.
    expect(found("const text = 'catch {}';")).toEqual([]);
  });
});
