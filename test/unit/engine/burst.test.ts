/** When the CPUs are kept awake: while requests come close together. */

import { describe, expect, it } from 'vitest';
import { Burst } from '../../../src/engine/kernel/burst.js';

class Waker {
  readonly restMs: number = 5;
  asked = 0;
  rested = 0;
  keepAwake(): void {
    this.asked++;
  }
  rest(): void {
    this.rested++;
  }
}

/** Requests a tenth of a millisecond apart, the clock in whole ones, as Date.now() has it. */
function ask(burst: Burst, fromMs: number, count: number): void {
  for (let i = 0; i < count; i++) burst.note(fromMs + Math.floor(i / 10));
}

describe('Burst', () => {
  it('leaves the CPUs alone for requests that come one by one', () => {
    const waker = new Waker();
    const burst = new Burst(waker);
    for (let ms = 0; ms < 100; ms += 2) burst.note(ms);
    expect(waker.asked).toBe(0);
    expect(burst.restMs).toBe(-1);
  });

  it('keeps them awake within a millisecond, and asks once a millisecond', () => {
    const waker = new Waker();
    const burst = new Burst(waker);
    burst.note(900);
    ask(burst, 1000, 10);
    expect(waker.asked).toBe(1);
    ask(burst, 1001, 10);
    expect(waker.asked).toBe(2);
  });

  it('has the loop look again after a pause, once', () => {
    const waker = new Waker();
    const burst = new Burst(waker);
    ask(burst, 1000, 20);
    expect(burst.restMs).toBe(5);
    burst.rest();
    expect(waker.rested).toBe(1);
    expect(burst.restMs).toBe(-1);
    ask(burst, 1001, 20);
    expect(burst.restMs).toBe(5);
  });

  it('begins anew after a pause, and after a clock that was set back', () => {
    const waker = new Waker();
    const burst = new Burst(waker);
    ask(burst, 1000, 20);
    const { asked } = waker;
    ask(burst, 2000, 8);
    ask(burst, 500, 8);
    expect(waker.asked).toBe(asked);
    ask(burst, 501, 10);
    expect(waker.asked).toBe(asked + 1);
  });
});
