/** Whatever comes through the control socket: a reply of one line for each line, and never an error. */

import fc from 'fast-check';
import { expect, test } from 'vitest';
import { replyTo } from '../../../src/daemon/messages/control.js';
import { splitLines } from '../../../src/daemon/messages/lines.js';

const handlers = new Map([
  ['echo', (args: Readonly<Record<string, unknown>>) => args],
  [
    'fails',
    () => {
      throw new Error('a\nb');
    },
  ],
]);

const request = fc.record(
  {
    id: fc.oneof(fc.integer(), fc.jsonValue()),
    name: fc.oneof(fc.constantFrom('echo', 'fails', '__proto__', 'constructor'), fc.jsonValue()),
    args: fc.jsonValue(),
  },
  { requiredKeys: [] },
);

test('replyTo() answers any line in a line', async () => {
  const line = fc.oneof(
    request.map((one) => JSON.stringify(one)),
    fc.json(),
    fc.string({ unit: 'binary' }),
  );
  await fc.assert(
    fc.asyncProperty(line, async (text) => {
      const reply = await replyTo(text, handlers);
      expect(JSON.stringify(reply)).not.toContain('\n');
      expect(typeof reply.id).toBe('number');
      expect('value' in reply || typeof reply.error === 'string').toBe(true);
    }),
    { numRuns: 2000, seed: 12 },
  );
});

test('splitLines() gives the lines of any pieces, and gives up at one that is too long', () => {
  fc.assert(
    fc.property(fc.array(fc.constantFrom('a', '\n', 'bc', '', 'x'.repeat(20))), (pieces) => {
      const lines: (string | undefined)[] = [];
      const push = splitLines(50, (one) => lines.push(one));
      for (const piece of pieces) push(piece);
      const whole = pieces.join('').split('\n').slice(0, -1);
      const end = lines.indexOf(undefined);
      expect(lines.slice(0, end < 0 ? undefined : end)).toEqual(whole.slice(0, end < 0 ? undefined : end));
      expect(end < 0 || end === lines.length - 1).toBe(true);
    }),
    { seed: 12 },
  );
});
