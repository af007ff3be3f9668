/**
 * What test files that share a process owe each other: each leaves the process as it found it. vitest runs this before each file of
 * its project `shared`; the file that changed something fails, not the next one.
 */

import { afterAll, expect } from 'vitest';

const before = processState();

afterAll(() => expect(processState(), 'the process after this test file').toEqual(before));

function processState(): Record<string, unknown> {
  const umask = process.umask(0o077);
  process.umask(umask);
  return {
    env: { ...process.env },
    umask,
    cwd: process.cwd(),
    users: [process.getuid?.(), process.geteuid?.(), process.getgid?.(), process.getegid?.()],
    signals: process.eventNames().filter((name) => String(name).startsWith('SIG')),
    timers: globalThis.setTimeout,
  };
}
