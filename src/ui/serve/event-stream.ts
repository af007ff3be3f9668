/** The events of the store as a response without end: a line of JSON each. */

import type { ServerResponse } from 'node:http';
import { followEvents } from '../../store/event-log.js';
import type { Store } from '../../store/store.js';
import type { EventLine } from '../api.js';

/** What happened shortly before is worth seeing. */
const PAST_MS = 3_600_000;
/** A line without text tells that the connection stands. */
const BEAT_MS = 15_000;

/** Returns when the client has gone, or at the signal. */
export async function streamEvents(
  response: ServerResponse,
  store: Store,
  until: AbortSignal,
): Promise<void> {
  const gone = new AbortController();
  response.on('close', () => gone.abort());
  response.writeHead(200, { 'Content-Type': 'application/x-ndjson' });
  response.write('\n');
  const beat = setInterval(() => response.write('\n'), BEAT_MS);
  const fromMs = Date.now() - PAST_MS;
  try {
    for await (const event of followEvents(store, AbortSignal.any([gone.signal, until]))) {
      const line: EventLine = event;
      if (event.timeMs >= fromMs) response.write(`${JSON.stringify(line)}\n`);
    }
  } finally {
    clearInterval(beat);
    response.end();
  }
}
