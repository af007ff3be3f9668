/**
 * Starts a container's command under a supervisor (supervise-main.ts), and stays attached to it, or not. The supervisor
 * outlives us: a terminal that is closed does not end a container.
 *
 * Commands that are alike in all that a process is given by who starts it (daemon-context.ts) have one supervisor, which is
 * started where none runs; with `PLYFS_DAEMON=own` each has its own.
 */

import { spawn } from 'node:child_process';
import type { Duplex } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { daemonDirectory } from '../../daemon/client/daemon-context.js';
import { ownEnvironment, sharedEnvironment } from '../../daemon/config/own-environment.js';
import { makeMountsDirectory, runRoot } from '../../daemon/run-directory/run-state.js';
import { reasonOf } from '../../errno/reason.js';
import { makeDirectories } from '../../linux/files/make-directories.js';
import type { ContainerRecord } from '../../store/container-record.js';
import type { Store } from '../../store/store.js';
import { passSignal } from '../end/signal-command.js';
import { type CapturedStreams, captureCommand } from './attach/capture-command.js';
import { connectForOrder } from './attach/connect.js';
import {
  type ClientOptions,
  followCommand,
  type Outcome,
  requestOf,
  untilStarted,
} from './attach/follow-command.js';
import { encodeFrame, encodeJson, FRAME } from './attach/frames.js';
import { StartFailure } from './start-failure.js';
import type { SuperviseRequest } from './supervise-request.js';

const DIRECTORY_MODE = 0o700;

export interface Supervisor {
  /** It takes one order. */
  readonly channel: Promise<Duplex>;
  /** It ends by itself; this process need not wait for it. */
  forget(): void;
}

/** A process that waits for its order. Called early, it is ready when the container is. */
export function startSupervisor(order: SuperviseRequest['kind'] = 'run'): Supervisor {
  const channel = reachSupervisor();
  if (order === 'run')
    channel.then(
      (socket) => socket.write(encodeFrame(FRAME.prepare)),
      () => undefined,
    );
  // Who gives an order is told; who has none does not care.
  channel.catch(() => undefined);
  return {
    channel,
    forget: () => {
      channel.then(
        (socket) => socket.destroy(),
        () => undefined,
      );
    },
  };
}

async function reachSupervisor(): Promise<Duplex> {
  const script = fileURLToPath(new URL('./supervise-main.js', import.meta.url));
  if (process.env.PLYFS_DAEMON === 'own') return spawnSupervisor([script], ownEnvironment());
  const root = runRoot();
  makeMountsDirectory(root);
  const directory = daemonDirectory(root, script);
  const running = await connectForOrder(directory);
  if (running !== undefined) return running;
  makeDirectories(directory, DIRECTORY_MODE);
  const { restMs } = await import('../../daemon/client/launch-shared.js');
  return spawnSupervisor([script, directory, String(restMs())], sharedEnvironment());
}

function spawnSupervisor(args: readonly string[], env: NodeJS.ProcessEnv): Duplex {
  const child = spawn(process.execPath, args, {
    stdio: ['ignore', 'ignore', 'ignore', 'pipe'],
    detached: true,
    env,
  });
  const channel = child.stdio[3] as Duplex;
  child.on('error', (error) =>
    channel.destroy(new StartFailure(125, `cannot start a process: ${reasonOf(error)}`)),
  );
  child.unref();
  return channel;
}

interface RunOrder {
  readonly supervisor?: Supervisor | undefined;
  /** Called when signals to us are the command's, and right before its start is ordered. */
  readonly onOrder?: (() => void) | undefined;
}

export interface AttachedRunOptions extends Omit<ClientOptions, 'tty' | 'onSignal'> {
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
  options: AttachedRunOptions,
  { supervisor = startSupervisor(), onOrder }: RunOrder = {},
): Promise<number | undefined> {
  const request: SuperviseRequest = {
    kind: 'run',
    root: store.root,
    id: record.id,
    environment: ownEnvironment(),
    attach: requestOf(options),
  };
  const channel = await supervisor.channel;
  const following = followCommand(channel, clientOptions(store, record, options));
  onOrder?.();
  channel.write(encodeJson(FRAME.request, request));
  const outcome = await following;
  supervisor.forget();
  return exitStatusOf(outcome);
}

/** Resolves when the command is about to run. @throws StartFailure */
export async function runDetached(
  store: Store,
  record: ContainerRecord,
  { supervisor = startSupervisor(), onOrder }: RunOrder = {},
): Promise<void> {
  const environment = ownEnvironment();
  const request: SuperviseRequest = { kind: 'run', root: store.root, id: record.id, environment };
  const channel = await supervisor.channel;
  onOrder?.();
  channel.write(encodeJson(FRAME.request, request));
  exitStatusOf(await untilStarted(channel));
  supervisor.forget();
}

/** Runs the command for a program, which takes what it prints, until it ends. @returns the exit status. @throws StartFailure */
export async function runCaptured(
  store: Store,
  record: ContainerRecord,
  streams: CapturedStreams,
): Promise<number> {
  const attach = { stdin: streams.input !== undefined, stdout: true, stderr: true };
  const order = {
    kind: 'run',
    root: store.root,
    id: record.id,
    environment: ownEnvironment(),
    attach,
  } as const;
  const supervisor = startSupervisor();
  const channel = await supervisor.channel;
  channel.write(encodeJson(FRAME.request, order satisfies SuperviseRequest));
  const outcome = await captureCommand(channel, streams);
  supervisor.forget();
  return exitStatusOf(outcome) ?? 0;
}

/** The exit status that a connection which has asked to attach was told. @throws StartFailure */
export function exitStatusOf(outcome: Outcome): number | undefined {
  if (outcome.kind === 'failed') throw new StartFailure(outcome.status, outcome.message);
  return outcome.kind === 'ended' ? outcome.status : undefined;
}

export function clientOptions(
  store: Store,
  record: ContainerRecord,
  options: AttachedRunOptions,
): ClientOptions {
  const { tty } = record.process;
  return {
    ...options,
    tty,
    onSignal: options.forwardsSignals && !tty ? (name) => passSignal(store, record, name) : undefined,
  };
}
