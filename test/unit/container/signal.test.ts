/** Signals by name and number, as Docker's users write them. */

import { describe, expect, test } from 'vitest';
import { parseSignal, signalNumber } from '../../../src/container/record/signal.js';

describe('parseSignal', () => {
  test.each([
    ['TERM', 'SIGTERM', 15],
    ['sigterm', 'SIGTERM', 15],
    ['9', 'SIGKILL', 9],
    ['SIGRTMIN+3', 'SIGRTMIN+3', 37],
    ['rtmin', 'SIGRTMIN', 34],
    ['RTMAX', 'SIGRTMIN+30', 64],
    ['RTMAX-2', 'SIGRTMIN+28', 62],
    ['37', 'SIGRTMIN+3', 37],
  ])('%s is %s, number %i', (text, name, number) => {
    const signal = parseSignal(text);
    expect(signal).toBe(name);
    expect(signalNumber(signal)).toBe(number);
  });

  test.each([
    'FROB',
    '0',
    '99',
    '32',
    'RTMIN-1',
    'RTMIN+31',
    'RTMAX+1',
    'RTMIN+',
    '',
  ])('%s is none', (text) => {
    expect(() => parseSignal(text)).toThrow(`invalid signal: '${text}'`);
  });
});
