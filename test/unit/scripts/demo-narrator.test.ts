/** A check of the demo fails on an output that is not as promised, and on a command that fails. */

import { afterEach, describe, expect, it, vi } from 'vitest';
import { DemoFailure, Narrator, problemOf } from '../../../scripts/demo/narrator.js';

describe('problemOf()', () => {
  const that = 'it is so';

  it('wants every part, no forbidden one, and equality when asked', () => {
    expect(problemOf('a b', { that, contains: ['a', 'b'], lacks: 'c', matches: /^a/ })).toBeUndefined();
    expect(problemOf('a', { that, contains: ['a', 'b'] })).toBe("the output lacks 'b'");
    expect(problemOf('a c', { that, lacks: 'c' })).toBe("the output has 'c'");
    expect(problemOf('a', { that, equals: 'b' })).toBe("the output is not 'b' but 'a'");
    expect(problemOf('a', { that, matches: /b/ })).toBe('the output does not match /b/');
    expect(problemOf('a', { that, equals: '' })).toBe("the output is not '' but 'a'");
  });
});

describe('Narrator.run()', () => {
  const narrator = new Narrator({ folder: '/', env: {}, colour: false, onTimeout: () => undefined });

  afterEach(() => {
    vi.restoreAllMocks();
  });

  it('prints the command, its output and what was checked', async () => {
    const printed: unknown[] = [];
    vi.spyOn(console, 'log').mockImplementation((line) => printed.push(line));
    expect(await narrator.run('echo one; echo two', { that: 'both are there', equals: 'one\ntwo' })).toBe(
      'one\ntwo',
    );
    expect(printed).toEqual(['$ echo one; echo two', '  one\n  two', '  ok: both are there']);
  });

  it('fails on a wrong output and on any command that fails', async () => {
    vi.spyOn(console, 'log').mockImplementation(() => undefined);
    const that = 'it is so';
    await expect(narrator.run('echo a', { that, equals: 'b' })).rejects.toThrow(DemoFailure);
    await expect(narrator.run('false; true', { that })).rejects.toThrow(
      'expected that it is so, but: bash: status 1',
    );
    await expect(narrator.run('echo why >&2; exit 3', { that })).rejects.toThrow('status 3: why');
  });
});
