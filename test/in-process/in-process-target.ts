/**
 * In-process targets: what a session of suites (or a differential pair) takes for mounts and operators, all in this process.
 *
 * Paths below the mount point go to the small kernel, all others to the host. After each operation on a mount the invariants
 * of what serves it are checked.
 */

import type { OperationName } from '../helpers/operations/all-operations.js';
import { operations } from '../helpers/operations/all-operations.js';
import { setRoot } from '../helpers/operations/path.js';
import {
  type Fs,
  OperationError,
  type OperatorHandle,
  type OperatorOptions,
  showBriefly,
} from '../helpers/operator-client.js';
import type { Feature, Stack, Target } from '../helpers/targets.js';
import { Identities } from './identities.js';
import type { Credentials } from './kernel/kernel.js';
import { FIRST_FD, Process } from './kernel/kernel-process.js';
import { type MountOperations, mountOperations } from './mount-operations.js';
import { type Kind, type Mounted, openMounted } from './mounted.js';
import { PushedUppers } from './pushed-uppers.js';
import { unsupported } from './unsupported.js';

interface InProcessOptions {
  readonly kind: Kind;
  /** Files are handed to the kernel where the file system offers it. */
  readonly passthrough?: boolean;
  /** Whether nodes of a union are packed whenever they can be. */
  readonly packs?: boolean;
  /** Upper becomes a layer now and then, also while files are open. */
  readonly pushesUpper?: boolean;
}

const FEATURES: Readonly<Record<Kind, readonly Feature[]>> = {
  union: ['layers'],
  mounts: ['layers', 'mounts'],
  mirror: [],
  bind: [],
};

/** More nodes than that are looked at now and then only. */
const FEW_NODES = 400;
const SELDOM = 200;
const TRACE_LENGTH = 40;

class InProcessMount {
  readonly #mounted: Mounted;
  readonly #pushed: PushedUppers | undefined;
  readonly mountpoint: string;
  readonly processes = new Set<Process>();
  #operations = 0;

  constructor(mounted: Mounted, mountpoint: string, pushed?: PushedUppers) {
    this.#mounted = mounted;
    this.mountpoint = mountpoint;
    this.#pushed = pushed;
  }

  process(who: Credentials): Process {
    const process = new Process(this.#mounted.kernel, this.mountpoint, who);
    this.processes.add(process);
    return process;
  }

  /** After an operation. @throws Error naming each invariant that does not hold. */
  check(): void {
    this.#operations++;
    this.#pushed?.look(this.#mounted);
    const isLarge = this.#mounted.kernel.cache.size > FEW_NODES;
    if (isLarge && this.#operations % SELDOM !== 0) return;
    const wrong = this.#mounted.checkInvariants();
    if (wrong.length > 0) throw new Error(`invariants do not hold:\n${wrong.join('\n')}`);
  }

  /** The kernel forgets all names that nobody uses. */
  shrink(): void {
    this.#mounted.kernel.cache.shrink();
  }

  end(): void {
    const { kernel } = this.#mounted;
    for (const process of this.processes) process.reset();
    kernel.cache.shrink();
    this.check();
    this.#pushed?.check();
    const left = kernel.cache.size;
    const inUse = this.#mounted.nodesInUse();
    kernel.end();
    if (inUse > 0)
      throw new Error(`${inUse} nodes are left in the file system: references were not given back`);
    if (left > 0) throw new Error(`${left} inodes are left in the kernel`);
    if (kernel.session.backings > 0) throw new Error(`${kernel.session.backings} backing files are left`);
  }
}

class InProcessOperator implements OperatorHandle {
  readonly pid = process.pid;
  readonly isLost = false;
  readonly trace: string[] = [];
  readonly #mounts: ReadonlyMap<string, InProcessMount>;
  readonly #who: Credentials;
  readonly #lost: ReadonlySet<OperationName>;
  readonly #bound = new Map<
    InProcessMount,
    { readonly process: Process; readonly operations: MountOperations }
  >();
  #root = '/';

  constructor(mounts: ReadonlyMap<string, InProcessMount>, who: Credentials, lost: readonly OperationName[]) {
    this.#mounts = mounts;
    this.#who = who;
    this.#lost = new Set(lost);
  }

  forgetTrace(): void {
    this.trace.length = 0;
  }

  fs(root: string): Fs {
    return new Proxy({} as Fs, {
      get: (_, operation: OperationName | 'then') =>
        operation === 'then' ? undefined : (...args: unknown[]) => this.#call(root, operation, args),
    });
  }

  stop(): Promise<void> {
    return Promise.resolve();
  }

  async #call(root: string, operation: OperationName, args: readonly unknown[]): Promise<unknown> {
    const line = `${operation}(${args.map(showBriefly).join(', ')})`;
    if (this.trace.length >= TRACE_LENGTH) this.trace.shift();
    try {
      const result = await Promise.resolve(
        this.#lost.has(operation) ? undefined : this.#run(root, operation, args),
      );
      this.trace.push(`${line} -> ${showBriefly(result)}`);
      return result;
    } catch (error) {
      const { code, message } = error as NodeJS.ErrnoException;
      this.trace.push(`${line} -> ${code ?? message}`);
      if (code === undefined) throw error;
      throw new OperationError(code, message);
    }
  }

  #run(root: string, operation: OperationName, args: readonly unknown[]): unknown {
    const mount = this.#mountOf(root, args);
    if (operation === 'reset') this.#reset();
    if (mount === undefined || operation === 'reset' || operation === 'pid') {
      setRoot(root);
      return (operations[operation] as (...args: readonly unknown[]) => unknown)(...args);
    }
    const run = this.#bind(mount)[operation as keyof MountOperations] as
      | ((...args: readonly unknown[]) => unknown)
      | undefined;
    if (run === undefined) return unsupported(operation);
    this.#root = root;
    try {
      return run(...args);
    } finally {
      mount.check();
    }
  }

  #reset(): void {
    for (const [mount, { process }] of this.#bound) {
      if ([...this.#mounts.values()].includes(mount)) process.reset();
      else this.#bound.delete(mount);
    }
  }

  #bind(mount: InProcessMount): MountOperations {
    const known = this.#bound.get(mount);
    if (known !== undefined) return known.operations;
    const process = mount.process(this.#who);
    const bound = { process, operations: mountOperations(process, () => this.#root) };
    this.#bound.set(mount, bound);
    return bound.operations;
  }

  #mountOf(root: string, args: readonly unknown[]): InProcessMount | undefined {
    for (const [mountpoint, mount] of this.#mounts)
      if (root === mountpoint || root.startsWith(`${mountpoint}/`)) return mount;
    const uses = args.some(
      (arg) => isOurs(arg) || (typeof arg === 'object' && arg !== null && 'fd' in arg && isOurs(arg.fd)),
    );
    return uses ? [...this.#bound.keys()].at(-1) : undefined;
  }
}

function isOurs(fd: unknown): boolean {
  return typeof fd === 'number' && fd > FIRST_FD && fd < 2 * FIRST_FD;
}

interface InProcessTarget extends Target {
  /** Ends the processes of the identities. */
  end(): Promise<void>;
}

export function inProcessTarget(
  name: string,
  { kind, passthrough = false, packs = false, pushesUpper = false }: InProcessOptions,
): InProcessTarget {
  const mounts = new Map<string, InProcessMount>();
  const identities = new Identities();
  const uppers = new Map<string, PushedUppers>();
  return {
    name,
    features: new Set(FEATURES[kind]),
    mount: (stack: Stack) => {
      const { mountpoint } = stack;
      const pushed = pushesUpper ? (uppers.get(stack.upper) ?? new PushedUppers(stack)) : undefined;
      if (pushed !== undefined) uppers.set(stack.upper, pushed);
      const mounted = openMounted(kind, pushed?.stack ?? stack, { passthrough, packs });
      mounts.set(mountpoint, new InProcessMount(mounted, mountpoint, pushed));
      return Promise.resolve();
    },
    unmount: ({ mountpoint }) => {
      const mount = mounts.get(mountpoint);
      mounts.delete(mountpoint);
      mount?.end();
      return Promise.resolve();
    },
    abort: () => undefined,
    async startOperator({ identity, sabotage = [] }: OperatorOptions) {
      if (identity !== undefined && process.geteuid?.() !== 0) return unsupported('another user');
      const who = identity === undefined ? Identities.own : await identities.of(identity);
      return new InProcessOperator(mounts, who, sabotage);
    },
    end: () => identities.end(),
  };
}
