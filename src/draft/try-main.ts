/**
 * Runs a command in a draft for a program that goes on meanwhile (try-apart.ts): the mounts are made in a mount namespace that this
 * process alone leaves the host's for. Heads a session of its own, so that all it has started can be ended.
 *
 * Descriptor 3: a TryOrder in, a TryReport out. When its other end is closed, nobody waits for the command, and it is ended.
 */

import { Socket } from 'node:net';
import { StartFailure } from '../container/command/start-failure.js';
import { splitLines } from '../daemon/messages/lines.js';
import { codeOf } from '../errno/error-code.js';
import { messageOf } from '../errno/reason.js';
import { UserError } from '../errno/user-error.js';
import { Store } from '../store/store.js';
import { findDraft } from './record/draft-record.js';
import { runInDraft } from './run-in-draft.js';
import { endGroup, ORDER_LIMIT, type TryOrder, type TryReport } from './try-order.js';

const channel = new Socket({ fd: 3 });
channel.setEncoding('utf8');
channel.on('error', () => endGroup(process.pid));
channel.on('end', () => endGroup(process.pid));
channel.on(
  'data',
  splitLines(ORDER_LIMIT, (line) => {
    if (line !== undefined) void carryOut(JSON.parse(line) as TryOrder).then(tell);
  }),
);

async function carryOut({ root, name, args, workingDirectory }: TryOrder): Promise<TryReport> {
  try {
    const store = new Store(root);
    return await runInDraft(store, findDraft(store, name), { args, workingDirectory });
  } catch (error) {
    const status = error instanceof StartFailure ? error.status : undefined;
    const hint = error instanceof UserError ? error.hint : undefined;
    return { failure: messageOf(error), code: codeOf(error), hint, status };
  }
}

function tell(report: TryReport): void {
  channel.removeAllListeners('end');
  channel.end(`${JSON.stringify(report)}\n`, () => channel.destroy());
}
