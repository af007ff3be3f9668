/** Which pending signals end a task. */

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { describe, expect, it } from 'vitest';
import { fateOf, isEnding } from '../../../src/linux/process/caller-fate.js';

const masks = { SigPnd: 0, ShdPnd: 0, SigBlk: 0, SigIgn: 0, SigCgt: 0 };
type Masks = Partial<Record<keyof typeof masks, readonly number[]>>;

/** As in /proc/TID/status. */
function status(given: Masks, tracer = 0): string {
  const lines = Object.keys(masks).map((field) => {
    const signals = given[field as keyof Masks] ?? [];
    const mask = signals.reduce((all, signal) => all | (1n << BigInt(signal - 1)), 0n);
    return `${field}:\t${mask.toString(16).padStart(16, '0')}`;
  });
  return ['Name:\tx', `TracerPid:\t${tracer}`, 'SigQ:\t0/7', ...lines, 'CapInh:\tffff', ''].join('\n');
}

describe('a task with pending signals', () => {
  it.each<[string, Masks, boolean]>([
    ['none', {}, false],
    ['SIGKILL of its own', { SigPnd: [9] }, true],
    ['SIGKILL of its group, whatever its masks say', { ShdPnd: [9], SigBlk: [9], SigIgn: [9] }, true],
    ['one with a handler', { ShdPnd: [14], SigCgt: [2, 14] }, false],
    ['one that is blocked', { SigPnd: [15], SigBlk: [15] }, false],
    ['one that is ignored', { ShdPnd: [1], SigIgn: [1] }, false],
    ['one that dumps core', { ShdPnd: [3] }, true],
    ['one that dumps core, with a handler', { SigPnd: [11], SigCgt: [11] }, false],
    ['those that are ignored by default', { ShdPnd: [17, 18, 23, 28] }, false],
    ['those that stop by default', { ShdPnd: [19, 20, 21, 22] }, false],
    ['a real-time signal', { ShdPnd: [64] }, true],
    ['a real-time signal with a handler', { ShdPnd: [64], SigCgt: [64] }, false],
    ['one with a handler beside one without', { ShdPnd: [14, 15], SigCgt: [14] }, true],
  ])('%s', (_, given, isIt) => {
    expect(isEnding(status(given))).toBe(isIt);
  });

  it('that is traced ends by SIGKILL alone', () => {
    expect(isEnding(status({ ShdPnd: [15] }, 12))).toBe(false);
    expect(isEnding(status({ ShdPnd: [9] }, 12))).toBe(true);
  });
});

describe('the fate of a task', () => {
  it('is unknown without a number or a process', () => {
    expect(fateOf(0)).toBe('unknown');
    expect(fateOf(2 ** 22 + 1)).toBe('unknown');
  });

  it('is read from the kernel', async () => {
    expect(fateOf(process.pid)).toBe('staying');
    // A blocked signal stays pending.
    const script = `import os, signal, sys
signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGTERM]); os.kill(os.getpid(), signal.SIGTERM)
print('ready', flush=True); sys.stdin.read()`;
    const child = spawn('python3', ['-c', script], { stdio: ['pipe', 'pipe', 'inherit'] });
    try {
      await once(child.stdout, 'data');
      expect(fateOf(child.pid!)).toBe('staying');
    } finally {
      child.kill('SIGKILL');
      await once(child, 'exit');
    }
  });
});
