/**
 * Starts a container's command under a supervisor of its own (supervise-main.ts), and stays attached to it, or not. The
 * supervisor outlives us: a terminal that is closed does not end a container.
 */

import { spawn } from 'node:child_process';
import type { Duplex } from 'node:stream';
import { fileURLToPath } from 'node:url';
import type { ContainerRecord } from '../store/container-record.js';
import type { Store } from '../store/store.js';
import { type ClientOptions, followCommand, type Outcome, requestOf, untilStarted } from './attach/client.js';
import { encodeJson, FRAME } from './attach/frames.js';
import { signalCommand } from './signal-command.js';
import { StartFailure } from './start-process.js';
import type { SuperviseOrder } from './supervise-order.js';

export interface Supervisor {
  readonly channel: Duplex;
  /** It ends by itself; this process need not wait for it. */
  forget(): void;
}

/** A process that waits for its order. Started early, it is ready when the container is. */
export function startSupervisor(): Supervisor {
  const { NODE_OPTIONS: _, ...env } = process.env;
  const child = spawn(process.execPath, [fileURLToPath(new URL('./supervise-main.js', import.meta.url))], {
    stdio: ['ignore', 'ignore', 'ignore', 'pipe'],
    detached: true,
    env,
  });
  const channel = child.stdio[3] as Duplex;
  child.on('error', (error) =>
    channel.destroy(new StartFailure(125, `cannot start a process: ${error.message}`)),
  );
  child.unref();
  return {
    channel,
    forget: () => {
      channel.destroy();
    },
  };
}

export interface AttachOptions extends Omit<ClientOptions, 'tty' | 'onSignal'> {
  /** Signals to us go to the command. Not on a terminal, whose keys do that. */
  readonly forwardsSignals: boolean;
}

/**
 * Runs the command with our standard input and output, until it ends or the detach keys are typed.
 * @returns the exit status; undefined when it was left and goes on. @throws StartFailure
 */
export async function runAttached(
  store: Store,
  record: ContainerRecord,
  options: AttachOptions,
  supervisor: Supervisor = startSupervisor(),
): Promise<number | undefined> {
  const order: SuperviseOrder = { kind: 'run', root: store.root, id: record.id, attach: requestOf(options) };
  supervisor.channel.write(encodeJson(FRAME.order, order));
  const outcome = await followCommand(supervisor.channel, clientOptions(store, record, options));
  supervisor.forget();
  return statusOf(outcome);
}

/** Resolves when the command is about to run. @throws StartFailure */
export async function runDetached(
  store: Store,
  record: ContainerRecord,
  supervisor: Supervisor = startSupervisor(),
): Promise<void> {
  const order: SuperviseOrder = { kind: 'run', root: store.root, id: record.id };
  supervisor.channel.write(encodeJson(FRAME.order, order));
  statusOf(await untilStarted(supervisor.channel));
  supervisor.forget();
}

/** Of a connection that has asked to attach. @throws StartFailure */
export function statusOf(outcome: Outcome): number | undefined {
  if (outcome.kind === 'failed') throw new StartFailure(outcome.status, outcome.message);
  return outcome.kind === 'ended' ? outcome.status : undefined;
}

export function clientOptions(store: Store, record: ContainerRecord, options: AttachOptions): ClientOptions {
  const { tty } = record.process;
  return {
    ...options,
    tty,
    onSignal: options.forwardsSignals && !tty ? (name) => void signalCommand(store, record, name) : undefined,
  };
}
