/**
 * The template of commands (enter/template-main.ts) as its supervisor has it: started before it is needed, asked for copies, and
 * ended when none was asked for in a while.
 */

import { type ChildProcess, spawn } from 'node:child_process';
import { openSync } from 'node:fs';
import { Socket } from 'node:net';
import type { Readable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { splitLines } from '../../daemon/messages/lines.js';
import { errnoText } from '../../errno/errno.js';
import { fsError } from '../../errno/fs-error.js';
import { close } from '../../linux/files/open.js';
import { SOCK_SEQPACKET, sendMessage, socketpair } from '../../linux/io/socket-message.js';
import { FORKABLE } from '../../linux/process/fork.js';
import type { EnterRequest } from '../enter/enter-request.js';
import { openSealedProgram } from '../enter/sealed-program.js';
import { COPY_FDS, type TemplateOrder } from '../enter/template-order.js';
import { mayChangeUser } from '../record/may-change-user.js';
import { makePipe } from './pipe-ends.js';
import { whenReaped } from './reaped-children.js';
import { StartFailure } from './start-failure.js';
import { firstLines, type StartedProcess, type StdioOfCommand } from './started-process.js';

/** A Node that has not begun by then does not; commands begin without it. */
const START_TIMEOUT_MS = 30_000;
/** It takes 30 MiB of its own while it waits for the next order. */
const REST_MS = 60_000;
const PROGRAM_FD = 5;
/** What copies run is compiled before there are any. */
const COMPILED = '--no-lazy';
const LINE_LIMIT = 256;

type Answer = (pid: number) => void;

export class CommandTemplate implements Disposable {
  #child: ChildProcess | undefined;
  #ordersFd = -1;
  #isReady = false;
  #starting: Promise<void> | undefined;
  /** It has been tried, and does not work here. */
  #isRefused = false;
  /** Those that wait for the pid of a copy of the present template, in the order of the orders. */
  #answers: Answer[] = [];
  #rest: NodeJS.Timeout | undefined;

  /** Resolves when there is a template, or can be none. */
  prepare(): Promise<void> {
    // Without privilege each command has a user namespace, which it has to begin in.
    if (this.#isRefused || !mayChangeUser()) return Promise.resolve();
    this.#starting ??= this.#launch();
    return this.#starting;
  }

  /** @returns undefined where there is no template, or it cannot become this. */
  start(request: EnterRequest, stdio: StdioOfCommand): StartedProcess | undefined {
    const staysAsInit = request.runtime.init === true && request.joinPid === undefined;
    if (!this.#isReady || staysAsInit || request.rootless) return undefined;
    const channel = socketpair();
    if (typeof channel === 'number') throw fsError(-channel, 'socketpair');
    const complaints = makePipe();
    const opened = [channel[1], complaints.writeFd];
    const [input, output, errors] = stdio.map((one, fd) => descriptorOf(one, fd, opened));
    const { joinPid } = request;
    const hasNetwork = request.network === 'none';
    const isSent = this.#send({ ...(joinPid === undefined ? {} : { joinPid }), hasNetwork }, [
      input,
      output,
      complaints.writeFd,
      channel[1],
      errors,
    ] as number[]);
    for (const fd of opened) close(fd);
    if (!isSent) {
      close(channel[0]);
      close(complaints.readFd);
      // It may have part of the order.
      this.#end();
      return undefined;
    }
    return this.#copyOf(channel[0], complaints.readFd);
  }

  [Symbol.dispose](): void {
    this.#end();
  }

  #copyOf(channelFd: number, complaintsFd: number): StartedProcess {
    const complaints = new Socket({ fd: complaintsFd, readable: true, writable: false });
    complaints.on('error', () => complaints.destroy());
    let pid = 0;
    let isUnwanted = false;
    let hasEnded = false;
    const kill = () => {
      isUnwanted = true;
      if (pid > 0 && !hasEnded) process.kill(pid, 'SIGKILL');
    };
    const ended = new Promise<number>((resolve, reject) => {
      this.#answers.push((found) => {
        if (found <= 0) return reject(noCopy(-found));
        pid = found;
        if (isUnwanted) kill();
        whenReaped(pid, (status) => {
          hasEnded = true;
          resolve(status);
        });
      });
    });
    return {
      name: 'a command',
      channel: new Socket({ fd: channelFd, readable: true, writable: true }),
      complaint: firstLines(complaints),
      kill,
      onFailure: (callback) => void ended.catch(callback),
      onEnd: (callback) =>
        void ended.then(
          (status) => callback(() => status, `status ${status}`),
          () => undefined,
        ),
      forget: () => complaints.destroy(),
    };
  }

  #send(order: TemplateOrder, fds: readonly number[]): boolean {
    this.#restLater();
    const text = JSON.stringify(order);
    return fds.every(
      (fd, index) => sendMessage(this.#ordersFd, { text: index === COPY_FDS - 1 ? text : '-', fd }) === 0,
    );
  }

  #launch(): Promise<void> {
    const orders = socketpair(SOCK_SEQPACKET);
    if (typeof orders === 'number') throw fsError(-orders, 'socketpair');
    const sealed = openSealedProgram();
    const node = sealed === undefined ? process.execPath : `/proc/self/fd/${PROGRAM_FD}`;
    const script = fileURLToPath(new URL('../enter/template-main.js', import.meta.url));
    const child = spawn(node, [...FORKABLE, COMPILED, script], {
      stdio: ['ignore', 'pipe', 'ignore', orders[1], 'ignore', sealed ?? 'ignore'],
      detached: true,
    });
    for (const fd of [orders[1], sealed ?? -1]) if (fd >= 0) close(fd);
    this.#child = child;
    this.#ordersFd = orders[0];
    child.unref();
    const lines = child.stdout as Readable;
    // A template that is let go of still answers what it has taken.
    const answers: Answer[] = [];
    this.#answers = answers;
    return new Promise<void>((resolve) => {
      const refuse = () => {
        this.#isRefused ||= !this.#isReady && this.#child === child;
        this.#forget(child);
        resolve();
      };
      const late = setTimeout(() => killGroup(child), START_TIMEOUT_MS);
      child.once('error', refuse).once('exit', refuse);
      child.once('exit', () => clearTimeout(late));
      const hear = splitLines(LINE_LIMIT, (line) => {
        if (line !== 'ready') return answers.shift()?.(Number(line));
        clearTimeout(late);
        this.#isReady = true;
        this.#restLater();
        resolve();
      });
      lines.setEncoding('utf8').on('data', hear);
      lines.once('close', () => {
        for (const answer of answers.splice(0)) answer(0);
      });
    });
  }

  #restLater(): void {
    clearTimeout(this.#rest);
    this.#rest = setTimeout(() => this.#end(), REST_MS);
    this.#rest.unref();
  }

  /** The next order has a new one. */
  #end(): void {
    if (this.#child !== undefined) this.#forget(this.#child);
  }

  #forget(child: ChildProcess): void {
    if (this.#child !== child) return;
    clearTimeout(this.#rest);
    close(this.#ordersFd);
    this.#child = undefined;
    this.#ordersFd = -1;
    this.#isReady = false;
    this.#starting = undefined;
  }
}

/** It, and a copy that it waits for. */
function killGroup({ pid }: ChildProcess): void {
  if (pid !== undefined) process.kill(-pid, 'SIGKILL');
}

/** @param errno 0: the template has ended before it came to it. */
function noCopy(errno: number): StartFailure {
  return new StartFailure(
    125,
    `cannot start a process: ${errno === 0 ? 'its template has ended' : errnoText(errno)}`,
  );
}

function descriptorOf(one: StdioOfCommand[number], fd: number, opened: number[]): number {
  if (one === 'inherit') return fd;
  if (one !== 'ignore') return one;
  const nothing = openSync('/dev/null', fd === 0 ? 'r' : 'r+');
  opened.push(nothing);
  return nothing;
}
