/**
 * Long work on volumes in threads: mount(8) may wait for storage that hangs, and a copy takes as long as it is large. The server
 * answers for the other volumes meanwhile.
 */

import { Worker } from 'node:worker_threads';
import { UserError } from '../../errno/user-error.js';
import type { Store } from '../../store/store.js';

export type VolumeOrder =
  | { readonly do: 'use'; readonly root: string; readonly name: string }
  | { readonly do: 'clone'; readonly root: string; readonly name: string; readonly to: string };

/** `refused`: a UserError's parts. */
export type VolumeThreadAnswer =
  | { readonly done: true }
  | { readonly refused: string; readonly hint: string | undefined };

interface ThreadUse {
  /** Resolves when its storage is unmounted, if it was the last. */
  end(): Promise<void>;
}

/** @throws UserError when there is none, or its storage cannot be mounted. */
export async function useInThread(store: Store, name: string): Promise<ThreadUse> {
  const worker = startThread({ do: 'use', root: store.root, name });
  await answerOf(worker);
  // It waits for the end, and is not what keeps the process.
  worker.unref();
  return {
    end: async () => {
      worker.ref();
      worker.postMessage('end');
      await answerOf(worker);
    },
  };
}

/** @throws UserError */
export async function cloneInThread(store: Store, name: string, to: string): Promise<void> {
  await answerOf(startThread({ do: 'clone', root: store.root, name, to }));
}

function startThread(order: VolumeOrder): Worker {
  return new Worker(new URL('./volume-thread-main.js', import.meta.url), { workerData: order });
}

function answerOf(worker: Worker): Promise<void> {
  return new Promise((resolve, reject) => {
    const onMessage = (answer: VolumeThreadAnswer): void => {
      settle();
      if ('done' in answer) resolve();
      else reject(new UserError(answer.refused, { hint: answer.hint }));
    };
    const onError = (error: Error): void => {
      settle();
      reject(error);
    };
    const onExit = (code: number): void => {
      settle();
      reject(new Error(`the thread of a volume ended with ${code}`));
    };
    const settle = (): void => {
      worker.off('message', onMessage).off('error', onError).off('exit', onExit);
    };
    worker.on('message', onMessage).on('error', onError).on('exit', onExit);
  });
}
