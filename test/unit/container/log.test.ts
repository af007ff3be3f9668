/** A container's log in several files: how it is cut, and read again from any place. */

import { closeSync, mkdtempSync, readdirSync, readFileSync, readSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { LogFile } from '../../../src/container/command/attach/log-file.js';
import { openLogs, startOfLast } from '../../../src/container/command/attach/log-files.js';
import { logLimits, parseLogSettings } from '../../../src/container/record/log-settings.js';

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'plyfs-log-'));
});
afterEach(() => rmSync(directory, { recursive: true }));

const path = () => join(directory, 'log.json');

function print(lines: number, options: readonly string[]): void {
  using log = new LogFile(path(), logLimits(parseLogSettings('json-file', options)));
  for (let line = 1; line <= lines; line++) log.write('stdout', Buffer.from(`line ${line}\n`));
}

function readAll(fd: number): string {
  const bytes = Buffer.alloc(1 << 16);
  return bytes.toString('utf8', 0, readSync(fd, bytes, 0, bytes.length, 0));
}

/** The lines of a file, in the order of its entries. */
function linesOf(name: string): number[] {
  const entries = readFileSync(join(directory, name), 'utf8').trimEnd().split('\n');
  return entries.map((entry) => Number(/line (\d+)/.exec(entry)?.[1]));
}

describe('a log with --log-opt', () => {
  it('max-size and max-file keeps the last files, each of whole entries', () => {
    print(100, ['max-size=1k', 'max-file=3']);
    expect(readdirSync(directory).sort()).toEqual(['log.json', 'log.json.1', 'log.json.2']);
    const kept = ['log.json.2', 'log.json.1', 'log.json'].flatMap(linesOf);
    expect(kept).toEqual(Array.from({ length: kept.length }, (_, index) => 101 - kept.length + index));
    expect(kept.length).toBeGreaterThan(24);
    for (const name of ['log.json.1', 'log.json.2']) {
      const { length } = readFileSync(join(directory, name));
      expect(length).toBeGreaterThanOrEqual(1000);
      expect(length).toBeLessThan(1100);
    }
  });

  it('max-size alone begins the file anew', () => {
    print(100, ['max-size=1k']);
    expect(readdirSync(directory)).toEqual(['log.json']);
    expect(linesOf('log.json').at(-1)).toBe(100);
    expect(readFileSync(path()).length).toBeLessThan(1100);
  });

  it('goes on with what an earlier run has written', () => {
    print(10, ['max-size=1k', 'max-file=2']);
    print(10, ['max-size=1k', 'max-file=2']);
    expect(readdirSync(directory).sort()).toEqual(['log.json', 'log.json.1']);
  });

  it('is found from its last lines on, in whichever file they begin', () => {
    print(60, ['max-size=1k', 'max-file=9']);
    const logs = openLogs(path());
    expect(logs.length).toBeGreaterThan(3);
    for (let count = 0; count <= 61; count++) {
      const { index, offset } = startOfLast(logs, count);
      const text = logs
        .slice(index)
        .map(({ fd }) => readAll(fd))
        .join('')
        .slice(offset);
      expect([count, text.split('\n').length - 1]).toEqual([count, Math.min(count, 60)]);
    }
    for (const { fd } of logs) closeSync(fd);
  });

  it.each([
    [['max-size=x'], "invalid log opt 'max-size=x'"],
    [['max-size=0'], "invalid log opt 'max-size=0'"],
    [['max-size=-1'], "invalid log opt 'max-size=-1'"],
    [['max-file=0'], "invalid log opt 'max-file=0'"],
    [['compress=true'], "invalid log opt 'compress=true'"],
    [['mode=x'], "invalid log opt 'mode=x'"],
    [['nope=1'], "unknown log opt 'nope'"],
  ])('%j is refused, as in Docker', (options, message) => {
    expect(() => parseLogSettings('json-file', options)).toThrow(message);
  });

  it('none takes no options; local has limits of its own', () => {
    expect(() => parseLogSettings('none', ['max-size=1k'])).toThrow("unknown log opt 'max-size'");
    expect(logLimits({ logDriver: 'local' })).toEqual({ maxBytes: 20_000_000, maxFiles: 5 });
  });
});
