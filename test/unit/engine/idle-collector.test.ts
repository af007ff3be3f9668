import { describe, expect, it } from 'vitest';
import { IdleCollector } from '../../../src/engine/idle-collector.js';

const ENOUGH = 50_000;

/** In a function of its own, so that no frame keeps what it makes. */
function fill(): WeakRef<object> {
  return new WeakRef(Array.from({ length: 1000 }, () => ({})));
}

describe('IdleCollector', () => {
  it('is due when enough was forgotten, and not again at once', () => {
    const collector = new IdleCollector();
    collector.note(ENOUGH - 1);
    expect(collector.isDue).toBe(false);
    collector.note(1);
    expect(collector.isDue).toBe(true);
    collector.collect();
    expect(collector.isDue).toBe(false);
  });

  it('frees what nothing refers to, and leaves no gc() behind', async () => {
    const collector = new IdleCollector();
    const forgotten = fill();
    // A WeakRef keeps its target to the end of the turn.
    await new Promise((resolve) => setTimeout(resolve));
    collector.collect();
    expect(forgotten.deref()).toBe(undefined);
    expect('gc' in globalThis).toBe(false);
  });
});
