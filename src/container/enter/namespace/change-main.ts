/** Entry of the process behind `mount-add` and `mount-rm` of a running command: a ChangeOrder comes in, a ChangeReply goes out. */

import { readFileSync, writeSync } from 'node:fs';
import { UserError } from '../../../errno/user-error.js';
import { changeNamespace } from './change-namespace.js';
import type { ChangeOrder, ChangeReply } from './change-order.js';

function answer(): ChangeReply {
  try {
    const order = JSON.parse(readFileSync(0, 'utf8')) as ChangeOrder;
    return { ok: true, attached: changeNamespace(order) };
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    const hint = error instanceof UserError ? error.hint : undefined;
    return { ok: false, message, ...(hint === undefined ? {} : { hint }) };
  }
}

process.umask(0o022);
writeSync(1, JSON.stringify(answer()));
