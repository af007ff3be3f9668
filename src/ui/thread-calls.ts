/**
 * The end of a thread that answers calls: gets `{ id, method, args }`, gives `{ id, reply }` or `{ id, error }`. It ends by itself once
 * the first of its words is not 0.
 */

import { parentPort, workerData } from 'node:worker_threads';
import { messageOf } from '../errno/reason.js';
import { UserError } from '../errno/user-error.js';
import type { ErrorReply } from './api.js';
import { CallArguments } from './call-arguments.js';

interface CallMessage {
  readonly id: number;
  readonly method: string;
  readonly args: unknown;
}

type Answers = Readonly<Record<string, (args: CallArguments) => unknown>>;

/** Answers what comes, until the thread is to end and has answered what it was at. */
export function answerCalls(answers: Answers): void {
  const { words } = workerData as { readonly words: Int32Array };
  let running = 0;
  const endIfTold = (): void => {
    if (running === 0 && Atomics.load(words, 0) !== 0) process.exit();
  };
  parentPort!.on('message', (message: CallMessage | undefined) => {
    endIfTold();
    if (message === undefined) return;
    running++;
    void answer(answers, message).finally(() => {
      running--;
      endIfTold();
    });
  });
}

async function answer(answers: Answers, { id, method, args }: CallMessage): Promise<void> {
  try {
    const reply = await answers[method]!(new CallArguments(args));
    parentPort!.postMessage({ id, reply });
  } catch (error) {
    parentPort!.postMessage({ id, error: errorReply(error) });
  }
}

function errorReply(error: unknown): ErrorReply['error'] {
  return { message: messageOf(error), hint: error instanceof UserError ? error.hint : undefined };
}
