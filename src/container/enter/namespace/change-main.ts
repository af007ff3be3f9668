/** Entry of the process behind `mount-add` and `mount-rm` of a running command: a ChangeRequest comes in, a ChangeReply goes out. */

import { readFileSync, writeSync } from 'node:fs';
import { messageOf } from '../../../errno/reason.js';
import { UserError } from '../../../errno/user-error.js';
import { changeNamespace } from './change-namespace.js';
import type { ChangeReply, ChangeRequest } from './change-request.js';

function answer(): ChangeReply {
  try {
    const request = JSON.parse(readFileSync(0, 'utf8')) as ChangeRequest;
    return { ok: true, attached: changeNamespace(request) };
  } catch (error) {
    const message = messageOf(error);
    const hint = error instanceof UserError ? error.hint : undefined;
    return { ok: false, message, ...(hint === undefined ? {} : { hint }) };
  }
}

process.umask(0o022);
writeSync(1, JSON.stringify(answer()));
