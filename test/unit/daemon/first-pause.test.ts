/** What a serving thread does in its first pause. */

import { expect, it } from 'vitest';
import { FirstPause } from '../../../src/daemon/session/first-pause.js';

it('rehearses, then prepares each session once that is not over', () => {
  const done: string[] = [];
  let slices = 2;
  const rehearsal = {
    get isDue(): boolean {
      return slices > 0;
    },
    run(): void {
      slices--;
      done.push('slice');
    },
  };
  const session = (name: string) => ({ expectChanges: () => void done.push(name) });
  const [one, over, later] = [session('one'), session('over'), session('later')];
  const pause = new FirstPause(rehearsal);
  pause.add(one);
  pause.add(over);
  pause.delete(over);
  for (let turns = 0; pause.isDue && turns < 10; turns++) pause.run();
  expect(done).toEqual(['slice', 'slice', 'one']);
  pause.add(later);
  while (pause.isDue) pause.run();
  expect(done.at(-1)).toBe('later');
  expect(done.length).toBe(4);
});
