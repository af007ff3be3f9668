/**
 * Entry of the process behind each command of a container: waits for it, writes its log, serves who is attached, records
 * its end, unmounts.
 *
 * Its order is the first frame on descriptor 3, which is the connection of who started it as well.
 */

import { Socket } from 'node:net';
import { UserError } from '../errno/user-error.js';
import { type ContainerRecord, readContainer } from '../store/container-record.js';
import { Store } from '../store/store.js';
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
import { superviseExec } from './exec.js';
import { signalCommand } from './signal-command.js';
import { StartFailure } from './start-process.js';
import { superviseCommand } from './supervise.js';
import type { SuperviseOrder } from './supervise-order.js';

const CHANNEL_FD = 3;

async function main(): Promise<void> {
  process.chdir('/');
  const channel = new Socket({ fd: CHANNEL_FD, readable: true, writable: true });
  const reader = new FrameReader();
  const order = await receiveOrder(channel, reader);
  // The command that started us ended before it had one.
  if (order === undefined) return;
  const store = new Store(order.root);
  let record: ContainerRecord;
  let streams: CommandStreams;
  try {
    record = findRecord(store, order.id);
    streams = streamsOf(store, record, order);
  } catch (error) {
    // It was removed before we came to it.
    const notice = noticeOf(withoutHome(store, order.id, error));
    await new Promise<void>((resolve) => channel.end(encodeJson(FRAME.failed, notice), resolve));
    return;
  }
  process.title = `plyfs ${order.kind} ${record.name}`;
  const server = new AttachServer(streams);
  server.add(channel, reader, order.attach);
  try {
    await server.end(await supervise(store, record, { order, streams, server }));
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
  readonly order: SuperviseOrder;
  readonly streams: CommandStreams;
  readonly server: AttachServer;
}

async function supervise(
  store: Store,
  record: ContainerRecord,
  { order, streams, server }: Work,
): Promise<number> {
  const onReady = (pid: number) => server.started(pid);
  if (order.kind === 'exec') return superviseExec(store, record, { order, streams, onReady });
  await server.listen(store.path('containers', record.id));
  return superviseCommand(store, record, { streams, onReady });
}

function streamsOf(store: Store, record: ContainerRecord, order: SuperviseOrder): CommandStreams {
  if (order.kind === 'exec') {
    const { enter, hasInput } = order;
    return new CommandStreams({ tty: enter.terminal, hasInput, endsWithClient: true, log: undefined });
  }
  const { tty, interactive, endsInputWithClient } = record.process;
  return new CommandStreams({
    tty,
    hasInput: interactive,
    endsWithClient: endsInputWithClient === true,
    log: record.logDriver === 'none' ? undefined : new LogFile(logPath(store, record)),
    onLostSignal: (name) => void signalCommand(store, record, name),
  });
}

function receiveOrder(channel: Socket, reader: FrameReader): Promise<SuperviseOrder | undefined> {
  return new Promise((resolve, reject) => {
    const receive = (chunk: Buffer) => {
      const [first, ...more]: Frame[] = reader.push(chunk);
      if (first === undefined) return;
      channel.off('data', receive);
      if (first.kind !== FRAME.order || more.length > 0) reject(new Error('the first frame is no order'));
      else resolve(decodeJson<SuperviseOrder>(first));
    };
    channel.on('data', receive).on('close', () => resolve(undefined));
    channel.on('error', () => undefined);
  });
}

function noticeOf(error: unknown): FailedNotice {
  const message = error instanceof Error ? error.message : String(error);
  const hint = error instanceof UserError && error.hint !== undefined ? `; ${error.hint}` : '';
  return { status: error instanceof StartFailure ? error.status : 125, message: `${message}${hint}` };
}

await main();
