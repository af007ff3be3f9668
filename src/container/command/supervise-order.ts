/**
 * One order of a supervisor, from the channel that it comes over to its end: a command is started, waited for, logged, and
 * who is attached to it is served.
 *
 * INVARIANT: what an order has opened is closed with it. The process goes on with the orders of other containers.
 */

import type { Duplex } from 'node:stream';
import { messageOf } from '../../errno/reason.js';
import { UserError } from '../../errno/user-error.js';
import { containerHome } from '../../store/container-home.js';
import { type ContainerRecord, readContainer } from '../../store/container-record.js';
import { Store } from '../../store/store.js';
import { type RemoveOptions, removeContainer } from '../end/remove-container.js';
import { passSignal } from '../end/signal-command.js';
import { logLimits } from '../record/log-settings.js';
import { AttachServer } from './attach/attach-server.js';
import { CommandStreams } from './attach/command-streams.js';
import {
  decodeJson,
  encodeJson,
  type FailedNotice,
  FRAME,
  type Frame,
  FrameReader,
} from './attach/frames.js';
import { LogFile, logPath } from './attach/log-file.js';
import type { CommandTemplate } from './command-template.js';
import { superviseExec } from './exec-in-container.js';
import { StartFailure } from './start-failure.js';
import { superviseCommand } from './supervise.js';
import type { SuperviseRequest } from './supervise-request.js';
import { sweepApart } from './sweep-apart.js';

/**
 * Carries out the order that comes over a channel. Resolves when its command has ended and all who are attached are told.
 * @param template of the commands of this process, where it has more than one. @returns false when the channel ended before there was an order.
 */
export async function carryOutOrder(channel: Duplex, template?: CommandTemplate): Promise<boolean> {
  const reader = new FrameReader();
  const request = await receiveRequest(channel, reader, () => void template?.prepare());
  // The command that started us ended before it had one.
  if (request === undefined) return false;
  await template?.prepare();
  await carryOut(request, { channel, reader, template });
  return true;
}

interface Order {
  readonly channel: Duplex;
  readonly reader: FrameReader;
  readonly template: CommandTemplate | undefined;
}

async function carryOut(request: SuperviseRequest, { channel, reader, template }: Order): Promise<void> {
  const store = new Store(request.root, sweepApart);
  let record: ContainerRecord;
  let streams: CommandStreams;
  try {
    record = findRecord(store, request.id);
    streams = streamsOf(store, record, request);
  } catch (error) {
    // It was removed before we came to it.
    const notice = noticeOf(withoutHome(store, request.id, error));
    await new Promise<void>((resolve) => channel.end(encodeJson(FRAME.failed, notice), resolve));
    return;
  }
  using _streams = streams;
  const server = new AttachServer(streams);
  server.add(channel, reader, request.attach);
  try {
    await server.end(await supervise(store, record, { request, streams, server, template }));
  } catch (error) {
    await server.fail(noticeOf(error));
  }
}

function findRecord(store: Store, id: string): ContainerRecord {
  const record = readContainer(store, id);
  if (record === undefined) throw new UserError(`no such container: '${id}'`);
  return record;
}

/** What the log needs may go with the container while it is opened. */
function withoutHome(store: Store, id: string, error: unknown): unknown {
  return readContainer(store, id) === undefined ? new UserError(`no such container: '${id}'`) : error;
}

interface Work {
  readonly request: SuperviseRequest;
  readonly streams: CommandStreams;
  readonly server: AttachServer;
  readonly template: CommandTemplate | undefined;
}

async function supervise(
  store: Store,
  record: ContainerRecord,
  { request, streams, server, template }: Work,
): Promise<number> {
  const onReady = (pid: number) => server.started(pid);
  if (request.kind === 'exec') return superviseExec(store, record, { request, streams, template, onReady });
  await server.listen(store.path(containerHome(record.id)));
  const remove = (options: RemoveOptions) => removeContainer(store, record, options);
  return superviseCommand(store, record, {
    streams,
    template,
    onReady,
    environment: request.environment,
    remove: record.autoRemove ? remove : undefined,
  });
}

function streamsOf(store: Store, record: ContainerRecord, request: SuperviseRequest): CommandStreams {
  if (request.kind === 'exec') {
    const { enter, hasInput } = request;
    return new CommandStreams({ tty: enter.terminal, hasInput, endsWithClient: true, log: undefined });
  }
  const { tty, interactive, endsInputWithClient } = record.process;
  return new CommandStreams({
    tty,
    hasInput: interactive,
    endsWithClient: endsInputWithClient === true,
    log: record.logDriver === 'none' ? undefined : new LogFile(logPath(store, record), logLimits(record)),
    onLostSignal: (name) => passSignal(store, record, name),
  });
}

function receiveRequest(
  channel: Duplex,
  reader: FrameReader,
  onPrepare: () => void,
): Promise<SuperviseRequest | undefined> {
  return new Promise((resolve, reject) => {
    const receive = (chunk: Buffer) => {
      const frames: Frame[] = reader.push(chunk);
      if (frames[0]?.kind === FRAME.prepare) {
        frames.shift();
        onPrepare();
      }
      const [first, ...more] = frames;
      if (first === undefined) return;
      channel.off('data', receive);
      if (first.kind !== FRAME.request || more.length > 0) reject(new Error('the first frame is no order'));
      else resolve(decodeJson<SuperviseRequest>(first));
    };
    channel.on('data', receive).on('close', () => resolve(undefined));
    channel.on('error', () => undefined);
  });
}

function noticeOf(error: unknown): FailedNotice {
  const message = messageOf(error);
  const hint = error instanceof UserError && error.hint !== undefined ? `; ${error.hint}` : '';
  return { status: error instanceof StartFailure ? error.status : 125, message: `${message}${hint}` };
}
