/** The harness itself: it must catch what differs, and an entry of the table that tells of nothing. */

import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { readCases } from './docker-cases.js';
import { differences } from './docker-differences.js';
import { normaliseMessages, normaliseOutput } from './normalise.js';
import type { Outcome } from './side.js';
import { judge } from './verdict.js';

function outcome(status: number | undefined, stdout = '', stderr = ''): Outcome {
  return { status, stdout, stderr, milliseconds: 1 };
}

describe('judge()', () => {
  it('finds another status, output or message, and one that did not end', () => {
    const docker = outcome(0, 'a\n', 'docker: Error response from daemon: No such thing: x.\n');
    const same = outcome(0, 'a\n', "plyfs run: no such thing: 'x'; a hint\n");
    expect(judge([docker, same], []).problem).toBe('');
    expect(judge([docker, { ...same, status: 1 }], []).problem).toContain('-0\n+1');
    expect(judge([docker, { ...same, status: undefined }], []).problem).toContain('+did not end');
    expect(judge([docker, { ...same, stdout: 'b\n' }], []).problem).toContain('-a\n+b');
    expect(judge([docker, { ...same, stderr: '' }], []).problem).toContain('-no such thing: x');
  });

  it('lets a difference of the table be, and fails one that is none any more', () => {
    const known = [{ case: 'x', parts: ['status' as const], reason: '' }];
    expect(judge([outcome(0), outcome(1)], known).problem).toBe('');
    expect(judge([outcome(0), outcome(0)], known).problem).toContain('take it out of docker-differences.ts');
    expect(judge([outcome(0), outcome(1, 'more')], known).problem).toContain('+more');
  });
});

describe('what differs from run to run', () => {
  it('has one form', () => {
    const id = 'ab'.repeat(32);
    expect(normaliseOutput(`${id} ${id.slice(0, 12)} sha256:${id}`)).toBe('<ID> <id> sha256:<ID>');
    expect(normaliseOutput('2026-11-29 16:59:53 +0000 UTC|2026-11-29T16:59:53.1Z')).toBe('<TIME>|<TIME>');
    expect(normaliseOutput('Up 2 minutes|About an hour ago|1.98MB (virtual 0B)')).toBe(
      'Up <AGE>|<AGE> ago|<SIZE> (virtual <SIZE>)',
    );
    expect(normaliseOutput('A     B  \n')).toBe('A  B\n');
  });

  it('is not more than that: words and numbers of messages stay', () => {
    expect(normaliseMessages('plyfs', "plyfs volume rm: no such volume: 'v2'; hint\n")).toBe(
      'no such volume: v2\n',
    );
    expect(normaliseMessages('docker', "Error: No such volume: v1\nSee 'docker run --help'.\n")).toBe(
      'no such volume: v1\n',
    );
  });
});

describe('the cases', () => {
  it('are 200 at least, and the table names none that is not there', () => {
    const names = new Set(readCases(join(import.meta.dirname, 'cases')).map(({ name }) => name));
    expect(names.size).toBeGreaterThanOrEqual(200);
    expect(differences.filter((one) => !names.has(one.case))).toEqual([]);
    expect(differences.filter(({ reason }) => reason === '')).toEqual([]);
  });
});
