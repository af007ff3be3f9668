/**
 * The process that outlives this one: a shell that waits until the daemon is gone, and becomes the next daemon then, with what the
 * store of the daemon holds: for each mount the store of the mount.
 *
 * The shell has the two sockets of the store, the lock of the daemon's directory and a socket whose end tells that the daemon is gone; what
 * is in the store it need not know. It just ends when the daemon says so. While much is asked of the daemon it is Node already, with all
 * loaded (stand-by.ts): the next daemon then begins at once.
 */

import { type ChildProcess, spawn } from 'node:child_process';
import { join } from 'node:path';
import type { Writable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { check } from '../../errno/fs-error.js';
import { write } from '../../linux/files/data.js';
import { close, dup } from '../../linux/files/open.js';
import { DescriptorStore } from '../../linux/io/descriptor-store.js';
import { ownEnvironment } from '../config/own-environment.js';
import { processStartTicks } from '../run-directory/run-state.js';

/** What the next daemon finds its inheritance under; before it the way to the keeper that it has already. */
const FIRST_FD = 4;
const KEEPER_FD = 3;
/** What it is told apart by from a daemon that a command starts. */
const TAKE_OVER = 'take-over';
/** In the daemon's directory, for a moment. */
const FIFO = 'keeper';

/**
 * Waits until nobody can write to descriptor 3 any more; a line is the word to stand by, or to end. Then it starts the keeper of the daemon that it becomes,
 * so that there is one at all times. Daemons that live for less than two seconds, one after the other, are slowed down, and then no more.
 * Arguments: this, the fifo, how many have died so, the time, the daemon's command.
 */
const SCRIPT = `if read -r word <&3; then
  [ "$word" = stand-by ] && shift 3 && exec "$@" stand-by
  exit
fi
fifo=$1 quick=$2 since=$3
shift 3
[ $(($(date +%s) - since)) -le 1 ] && quick=$((quick + 1)) || quick=0
[ $quick -gt 10 ] && sleep 1
if [ $quick -gt 30 ]; then
  echo "$(date -u +%FT%TZ) $quick daemons have died as soon as they began: no more of them" >&2
  exit 1
fi
rm -f "$fifo"
mkfifo -m 600 "$fifo" || exec "$@" 0 3>&-
sh -c "$0" "$0" "$fifo" $quick $(date +%s) "$@" 3<"$fifo" &
exec 3>"$fifo"
rm -f "$fifo"
exec "$@" $!`;

const WORD_TO_END = Buffer.from('end\n');
const WORD_TO_STAND_BY = Buffer.from('stand-by\n');

interface Inheritance {
  readonly store: DescriptorStore;
  readonly lockFd: number;
  /** The keeper that there is already. */
  readonly keeper?: { readonly pid: number; readonly fd: number } | undefined;
}

/** What this process has inherited. PRECONDITION: it was started by a keeper. */
export function inherit(keeperPid: number): Inheritance {
  const fds = [FIRST_FD, FIRST_FD + 1, FIRST_FD + 2].map(ownCopy);
  const keeper = keeperPid > 0 ? { pid: keeperPid, fd: ownCopy(KEEPER_FD) } : undefined;
  return { store: new DescriptorStore(fds[0]!, fds[1]!), lockFd: fds[2]!, keeper };
}

/** Close-on-exec, which those that are handed over are not. */
function ownCopy(fd: number): number {
  const own = check(dup(fd), 'dup');
  close(fd);
  return own;
}

interface KeeperOptions extends Inheritance {
  /** The daemon's own, for the next one. */
  readonly directory: string;
  readonly restMs: number;
  readonly log: (line: string) => void;
  /** What the keeper and the next daemon print goes there; absent: where it goes of this process. */
  readonly logFd?: number;
}

/** `PLYFS_KEEPER=off`: mounts end with their daemon. */
export function isKeeperWanted(): boolean {
  return process.env.PLYFS_KEEPER !== 'off';
}

/** What this process runs. */
export const OWN_PROGRAM = fileURLToPath(new URL('./shared-main.js', import.meta.url));

/** Keepers that end at once are not started for ever. */
const MOST_STARTS = 100;

export class Keeper {
  readonly #options: KeeperOptions;
  readonly #ids = new Set<string>();
  #child: ChildProcess | undefined;
  #inherited: Inheritance['keeper'];
  #starts = 0;
  #standsBy = false;
  /** What becomes the next daemon: Node and its script. */
  #program: readonly string[] = [process.execPath, OWN_PROGRAM];
  /** Told when another process keeps the mounts. */
  onChange: () => void = () => undefined;

  constructor(options: KeeperOptions) {
    this.#options = options;
    this.#inherited = options.keeper;
  }

  get pid(): number | undefined {
    return this.#inherited?.pid ?? this.#child?.pid;
  }

  /** From now on the mount outlives this process. @throws FsError where it cannot. */
  add(id: string, { inward, outward }: DescriptorStore): void {
    const { store } = this.#options;
    check(store.put(`${id} inward`, inward), 'sendmsg');
    check(store.put(`${id} outward`, outward), 'sendmsg');
    this.#ids.add(id);
    this.#start();
  }

  /** The mount has ended. */
  remove(id: string): void {
    if (!this.#ids.delete(id)) return;
    this.#options.store.retain((label) => this.#ids.has(label.split(' ')[0]!));
    if (this.#ids.size === 0) this.#release();
  }

  /** What a daemon that is gone has left: the stores of its mounts. */
  adopted(): ReadonlyMap<string, DescriptorStore> {
    const found = new Map<string, Map<string, number>>();
    for (const { label, fd } of this.#options.store.sift(() => true)) {
      const [id = '', end = ''] = label.split(' ');
      const ends = found.get(id) ?? new Map<string, number>();
      const twice = ends.get(end);
      if (twice !== undefined) close(twice);
      found.set(id, ends.set(end, fd));
    }
    const stores = new Map<string, DescriptorStore>();
    for (const [id, ends] of found) {
      const [inward, outward] = [ends.get('inward'), ends.get('outward')];
      if (inward !== undefined && outward !== undefined) stores.set(id, new DescriptorStore(inward, outward));
      else for (const fd of ends.values()) close(fd);
    }
    for (const id of stores.keys()) this.#ids.add(id);
    if (stores.size === 0) this.#release();
    else if (this.#inherited === undefined) this.#start();
    else process.on('SIGCHLD', this.#look);
    return stores;
  }

  /** Sees the end of the keeper that this process inherited, which is a child of it, but not one that Node knows. */
  readonly #look = (): void => {
    if (this.#inherited === undefined || processStartTicks(this.#inherited.pid) !== undefined) return;
    close(this.#inherited.fd);
    this.#forgetInherited();
    this.#start();
    this.onChange();
  };

  #forgetInherited(): void {
    process.off('SIGCHLD', this.#look);
    this.#inherited = undefined;
    this.#standsBy = false;
  }

  /** Whether it has all loaded that the next daemon needs, which takes some 45 MiB. */
  get standsBy(): boolean {
    return this.#standsBy;
  }

  /** Much is asked of the mounts: their users are not to wait for Node. */
  standBy(): void {
    if (this.#standsBy || this.pid === undefined) return;
    this.#standsBy = true;
    tell({ inherited: this.#inherited, child: this.#child }, WORD_TO_STAND_BY);
  }

  /** Gives the memory back. */
  rest(): void {
    if (!this.#standsBy) return;
    this.replaceProgram(this.#program);
    this.onChange();
  }

  #start(): void {
    if (this.#inherited !== undefined || this.#child !== undefined || this.#starts >= MOST_STARTS) return;
    this.#starts++;
    const { store, lockFd, directory, restMs, log, logFd = 'inherit' } = this.#options;
    const state = [join(directory, FIFO), '0', String(Math.floor(Date.now() / 1000))];
    const command = [...this.#program, directory, String(restMs), TAKE_OVER];
    const child = spawn('/bin/sh', ['-c', SCRIPT, SCRIPT, ...state, ...command], {
      stdio: ['ignore', logFd, logFd, 'pipe', store.inward, store.outward, lockFd],
      detached: true,
      env: ownEnvironment(),
    });
    this.#child = child;
    this.#standsBy = false;
    child.on('error', (error) => log(`no keeper: ${error.message}`));
    child.stdio[3]?.on('error', () => undefined);
    child.on('exit', () => {
      if (this.#child !== child) return;
      this.#child = undefined;
      if (this.#ids.size > 0) this.#start();
      this.onChange();
    });
  }

  /** Another program becomes the next daemon: its keeper begins before the one that there is ends. */
  replaceProgram(program: readonly string[]): void {
    this.#program = program;
    const before = this.#takeOut();
    this.#starts = 0;
    this.#start();
    dismiss(before);
  }

  #release(): void {
    dismiss(this.#takeOut());
  }

  #takeOut(): KeeperProcess {
    const taken = { inherited: this.#inherited, child: this.#child };
    this.#forgetInherited();
    this.#child = undefined;
    return taken;
  }
}

interface KeeperProcess {
  readonly inherited: Inheritance['keeper'];
  readonly child: ChildProcess | undefined;
}

/** Tells it that it is not needed. */
function dismiss({ inherited, child }: KeeperProcess): void {
  tell({ inherited, child }, WORD_TO_END);
  if (inherited !== undefined) close(inherited.fd);
  wayTo(child)?.end();
  child?.unref();
}

/** One that is gone has nobody to tell. */
function tell({ inherited, child }: KeeperProcess, word: Buffer): void {
  if (inherited !== undefined) write(inherited.fd, word);
  wayTo(child)?.write(word);
}

function wayTo(child: ChildProcess | undefined): Writable | undefined {
  return (child?.stdio[3] as Writable | null | undefined) ?? undefined;
}
