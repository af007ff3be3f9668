/** The benchmark's figures get into the document, and only there. */

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { imagePlace, provenance, withFigures } from '../../../scripts/bench/figures.js';

const begin = '<!-- bench: begin, written by npm run bench -- --write -->';
const text = `# Title\n\n${begin}\n\nold\n\n<!-- bench: end -->\n\nrest\n`;

describe('withFigures()', () => {
  it('replaces what stands between the comments, again and again', () => {
    const once = withFigures(text, '| new |');
    expect(once).toBe(`# Title\n\n${begin}\n\n| new |\n\n<!-- bench: end -->\n\nrest\n`);
    expect(withFigures(once, '| new |')).toBe(once);
  });

  it('refuses a text without the comments', () => {
    expect(() => withFigures('# Title\n', 'x')).toThrow(
      /^cannot write the figures into docs\/BENCHMARKS.md: it lacks/,
    );
    expect(() => withFigures(`${begin}\n`, 'x')).toThrow(/lacks/);
  });

  it('finds its place in the document of this project', () => {
    const text = readFileSync(join(import.meta.dirname, '../../../docs/BENCHMARKS.md'), 'utf8');
    expect(withFigures(text, 'FIGURES')).toContain('\n\nFIGURES\n\n<!-- bench: end -->\n');
    const images = withFigures(text, 'FIGURES', imagePlace);
    expect(images).toContain('\n\nFIGURES\n\n<!-- bench images: end -->\n');
    expect(images).toContain('| find-cold |');
  });
});

describe('provenance()', () => {
  it('names the machine and how often was measured', () => {
    const machine = {
      date: '2026-11-24T01:02:03Z',
      kernel: '6.18.0',
      node: 'v20.20.2',
      processor: 'X',
      processors: 2,
    };
    expect(provenance(machine, 3)).toBe(
      'Measured on 2026-11-24: median of 3 interleaved rounds, 2 x X, Linux 6.18.0, Node v20.20.2.',
    );
    expect(provenance(machine, 1)).toContain('one round');
  });
});
