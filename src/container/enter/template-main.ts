/**
 * Entry of the template: a Node that has loaded all that becoming a command takes, and waits. Each command's process is a copy of
 * it, which costs a tenth of what a Node costs that begins.
 *
 * An order comes over descriptor 3 as one message for each descriptor that the copy is to have, in their order; the text of the last
 * is a TemplateOrder. Out of standard output comes a line when it is ready, and one for each order: the pid of the copy, a child
 * of who started the template, or a negated errno.
 *
 * INVARIANT: it never sees what a command is given (arguments, environment): the copy reads that from its own channel. So nothing of one
 * container is in the memory of another's process.
 */

import { openSync, writeSync } from 'node:fs';
import { EINTR } from '../../errno/errno.js';
import { check } from '../../errno/fs-error.js';
import {
  AT_FDCWD,
  CLONE_NEWIPC,
  CLONE_NEWNET,
  CLONE_NEWNS,
  CLONE_NEWPID,
  CLONE_NEWUTS,
  CLONE_PARENT,
  O_RDONLY,
} from '../../linux/constants.js';
import { close, dup2, openat } from '../../linux/files/open.js';
import { PollSet, poll } from '../../linux/io/poll.js';
import { receiveMessage } from '../../linux/io/socket-message.js';
import { endCopy, forkProcess } from '../../linux/process/fork.js';
import { setns } from '../../linux/process/namespace.js';
import { waitForChild } from '../../linux/process/spawn.js';
import { becomeCommand } from './become-command.js';
import { COPY_FDS, type TemplateOrder } from './template-order.js';

const ORDERS_FD = 3;
const NEW_NAMESPACES = CLONE_NEWNS + CLONE_NEWPID + CLONE_NEWUTS + CLONE_NEWIPC;
const TEST_STATUS = 7;
/** Enough for V8 to look for garbage. */
const TEST_OBJECTS = 50_000;

function tell(line: string): void {
  writeSync(1, `${line}\n`);
}

/** Whether copies work with this Node on this kernel. */
function canCopy(): boolean {
  const pid = forkProcess(NEW_NAMESPACES);
  if (pid === 0) {
    const objects = Array.from({ length: TEST_OBJECTS }, (_, index) => ({ index }));
    endCopy(objects.length === TEST_OBJECTS ? TEST_STATUS : 1);
  }
  return pid > 0 && waitForChild(pid) === TEST_STATUS;
}

function serve(): void {
  // Numbers below are the copies'.
  while (openSync('/dev/null', 'r') < COPY_FDS);
  const incoming = new PollSet([ORDERS_FD]);
  const ownPids = check(openat(AT_FDCWD, '/proc/self/ns/pid', O_RDONLY), 'open', 'ns/pid');
  if (!canCopy()) process.exit(1);
  tell('ready');
  for (;;) {
    const received = receiveOrder(incoming);
    // Who started us has ended.
    if (received === undefined) process.exit(0);
    const { order, fds } = received;
    const pid = copy(order, ownPids);
    if (pid === 0) goOn(order, fds);
    for (const fd of fds) close(fd);
    tell(String(pid));
  }
}

interface Received {
  readonly order: TemplateOrder;
  readonly fds: readonly number[];
}

function receiveOrder(incoming: PollSet): Received | undefined {
  const fds: number[] = [];
  for (;;) {
    const waited = poll(incoming, -1);
    if (waited !== -EINTR) check(waited, 'poll');
    const message = waited > 0 ? receiveMessage(ORDERS_FD) : -EINTR;
    if (typeof message === 'number') continue;
    if (message.fd < 0) return undefined;
    fds.push(message.fd);
    if (fds.length === COPY_FDS) return { order: JSON.parse(message.text) as TemplateOrder, fds };
  }
}

/** @returns as forkProcess(). */
function copy({ joinPid, hasNetwork }: TemplateOrder, ownPids: number): number {
  if (joinPid === undefined)
    return forkProcess(CLONE_PARENT + NEW_NAMESPACES + (hasNetwork ? CLONE_NEWNET : 0));
  const fd = openat(AT_FDCWD, `/proc/${joinPid}/ns/pid`, O_RDONLY);
  if (fd < 0) return fd;
  // Of processes that begin: we stay where we are.
  const entered = setns(fd);
  close(fd);
  if (entered < 0) return entered;
  const pid = forkProcess(CLONE_PARENT);
  if (pid !== 0) check(setns(ownPids), 'leave the processes of', String(joinPid));
  return pid;
}

/** The copy's way. */
function goOn({ joinPid, hasNetwork }: TemplateOrder, fds: readonly number[]): never {
  try {
    for (const [number, fd] of fds.entries()) check(dup2(fd, number), 'dup2');
    for (const fd of fds) close(fd);
    becomeCommand({
      begin: () => {
        if (joinPid !== undefined) join(joinPid, hasNetwork ? ['uts', 'ipc', 'net'] : ['uts', 'ipc']);
      },
      end: endCopy,
    });
  } finally {
    // Also when nobody hears any more why it failed.
    endCopy(125);
  }
}

/** Its processes are joined already, its mounts come later (namespace/join-mounts.ts). */
function join(pid: number, kinds: readonly string[]): void {
  for (const kind of kinds) {
    const path = `/proc/${pid}/ns/${kind}`;
    const fd = check(openat(AT_FDCWD, path, O_RDONLY), 'open', path);
    check(setns(fd), 'enter', path);
    close(fd);
  }
}

serve();
