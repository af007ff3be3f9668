/** The containers of a store, by the functions that `plyfs container` calls. Commands in them are in container-commands.ts. */

import { totalmem } from 'node:os';
import { resolve } from 'node:path';
import { commitContainer } from '../container/changes/commit-container.js';
import { diffContainer } from '../container/changes/diff-container.js';
import { exportContainer } from '../container/changes/export-container.js';
import { copyBetween } from '../container/copy/copy-between.js';
import { pruneContainers, removeContainer } from '../container/end/remove-container.js';
import { killContainer, stopContainer } from '../container/end/stop-container.js';
import { addContainerMount, removeContainerMount } from '../container/make/change-container-mounts.js';
import { renameContainer } from '../container/make/rename-container.js';
import { resolveContainer } from '../container/record/find.js';
import { parseSignal } from '../container/record/signal.js';
import { containerStatus } from '../container/record/status.js';
import { mountWithoutCommand } from '../container/tree/mount-container.js';
import { inspectContainer } from '../container/view/inspect-container.js';
import { UserError } from '../errno/user-error.js';
import { noticeLines } from '../image/layer/notice-lines.js';
import { type ContainerRecord, listContainers } from '../store/container-record.js';
import type { Store } from '../store/store.js';
import { type ArchiveTarget, writeArchive } from './archive-ends.js';
import { checkedOptions, checkedText } from './checked-options.js';
import { type ContainerCommands, containerCommands } from './container-commands.js';
import { hasLabels, PRUNE_KINDS, type PruneOptions, type WarningOptions } from './library-options.js';
import { createChecked, type NewContainer } from './new-container.js';

/** A container of the store. */
export interface ContainerDescription {
  readonly id: string;
  readonly name: string;
  readonly createdAt: string;
}

/** How files are copied. */
export interface CopyOptions {
  /** Owners and extended attributes as they are. */
  readonly archive?: boolean | undefined;
  readonly followLink?: boolean | undefined;
}

/** How a container is stopped. */
export interface ContainerStop {
  /** Instead of the container's own stop signal. */
  readonly signal?: string | undefined;
  /** How long to wait before SIGKILL; -1 is for ever. By default the container's own time, or ten seconds. */
  readonly graceMs?: number | undefined;
  /** True: it is unmounted also when programs on the host use it, and served until they are done. */
  readonly lazy?: boolean | undefined;
}

/** How a container becomes an image. */
export interface ContainerCommit extends WarningOptions {
  /** `NAME[:TAG]`. */
  readonly name?: string | undefined;
  /** Instructions of a Dockerfile, as `--change`. */
  readonly changes?: readonly string[] | undefined;
  readonly author?: string | undefined;
  /** The history's comment. */
  readonly message?: string | undefined;
  /** False: its processes go on meanwhile. */
  readonly pause?: boolean | undefined;
}

/** The containers of a store. A name is a name, an id or the beginning of one. */
export interface StoredContainers extends ContainerCommands {
  /** Oldest first, also those that do not run. */
  list(): ContainerDescription[];
  /** @throws UserError; then nothing is left of it. */
  create(options: NewContainer): Promise<ContainerDescription>;
  /** Ends the command, and unmounts. @throws UserError when its mount is in use on the host. */
  stop(name: string, options?: ContainerStop): Promise<void>;
  /** Sends a signal to the command, by default SIGKILL. @throws UserError when it does not run. */
  kill(name: string, signal?: string): Promise<void>;
  /** Mounts it without running anything. @returns where. */
  mount(name: string): Promise<string>;
  /** Takes `mount()` back. @throws UserError when it runs. */
  unmount(name: string, options?: { readonly lazy?: boolean | undefined }): Promise<void>;
  /** One more mount, also while it runs. @param spec as for `-v` or `--mount`. */
  addMount(name: string, spec: string, options?: WarningOptions): Promise<void>;
  /** Takes a mount away, also while it runs. */
  removeMount(name: string, target: string): Promise<void>;
  /** As `plyfs cp`: one of the two is `CONTAINER:PATH`, the other a path of the host. @throws UserError */
  copy(source: string, target: string, options?: CopyOptions): Promise<void>;
  /** @throws UserError when another container has the name. */
  rename(name: string, to: string): void;
  /** Removes it with its changes; `force`: also a running one; `volumes`: its anonymous volumes too. @throws UserError when it runs. */
  remove(
    name: string,
    options?: { readonly force?: boolean | undefined; readonly volumes?: boolean | undefined },
  ): Promise<void>;
  /** Removes those that do not run. @returns the ids, and what their changes took. */
  prune(
    options?: Omit<PruneOptions, 'all'>,
  ): Promise<{ readonly ids: readonly string[]; readonly bytes: number }>;
  /** What it has changed, sorted by path: A added, C changed, D deleted. */
  diff(name: string): { readonly kind: 'A' | 'C' | 'D'; readonly path: string }[];
  /** Makes an image of it. @returns the image's id. @throws UserError */
  commit(name: string, options?: ContainerCommit): Promise<string>;
  /** Writes the whole tree as a tar, without volumes and other mounts. @throws UserError */
  export(name: string, target: ArchiveTarget, options?: WarningOptions): Promise<void>;
  /** What `plyfs container inspect` prints. */
  inspect(name: string): Record<string, unknown>;
}

type Named = (called: string, name: string) => ContainerRecord;

export function storedContainers(store: Store): StoredContainers {
  const named: Named = (called, name) =>
    resolveContainer(store, checkedText(`containers.${called}()`, 'name', name));
  return {
    ...containerCommands(store, named),
    ...lifeOf(store, named),
    ...treeOf(store, named),
    list: () => listContainers(store).map(described),
    create: async (options) => described(await createChecked(store, 'containers.create()', options)),
    rename: (name, to) =>
      renameContainer(store, named('rename', name), checkedText('containers.rename()', 'new name', to)),
    remove: async (name, options = {}) => {
      const kinds = { force: 'boolean', volumes: 'boolean' } as const;
      const checked = checkedOptions('containers.remove()', options, kinds);
      await removeContainer(store, named('remove', name), checked);
    },
    prune: (options = {}) => {
      const { all: _, ...kinds } = PRUNE_KINDS;
      const { labels, beforeMs } = checkedOptions('containers.prune()', options, kinds);
      const isMeant = hasLabels(labels);
      return pruneContainers(
        store,
        ({ labels: own, createdAt }) =>
          isMeant(own) && (beforeMs === undefined || Date.parse(createdAt) < beforeMs),
      );
    },
    inspect: (name) => ({ ...inspectContainer(store, named('inspect', name)) }),
  };
}

function described({ id, name, createdAt }: ContainerRecord): ContainerDescription {
  return { id, name, createdAt };
}

/** What mounts, unmounts and ends. */
function lifeOf(store: Store, named: Named) {
  return {
    stop: async (name: string, options: ContainerStop = {}) => {
      const kinds = { signal: 'string', graceMs: 'number', lazy: 'boolean' } as const;
      const { signal, graceMs, lazy } = checkedOptions('containers.stop()', options, kinds);
      const parsed = signal === undefined ? undefined : parseSignal(signal);
      await stopContainer(store, named('stop', name), { signal: parsed, graceMs, lazily: lazy });
    },
    kill: async (name: string, signal = 'KILL') =>
      killContainer(store, named('kill', name), checkedText('containers.kill()', 'signal', signal)),
    mount: async (name: string) => mountWithoutCommand(store, named('mount', name)),
    unmount: async (name: string, options: { readonly lazy?: boolean | undefined } = {}) => {
      const { lazy } = checkedOptions('containers.unmount()', options, { lazy: 'boolean' });
      const record = named('unmount', name);
      if (containerStatus(store, record).pid !== undefined)
        throw new UserError(`cannot unmount container '${record.name}': it is running`, {
          code: 'ERR_IN_USE',
          hint: 'stop it first',
        });
      await stopContainer(store, record, { lazily: lazy });
    },
    addMount: async (name: string, spec: string, options: WarningOptions = {}) => {
      const { onWarning } = checkedOptions('containers.addMount()', options, { onWarning: 'function' });
      checkedText('containers.addMount()', 'mount', spec);
      const context = { cwd: process.cwd(), memoryBytes: totalmem() };
      for (const line of await addContainerMount(store, named('addMount', name), spec, context))
        onWarning?.(line);
    },
    removeMount: async (name: string, target: string) => {
      checkedText('containers.removeMount()', 'target', target);
      await removeContainerMount(store, named('removeMount', name), target);
    },
  };
}

/** What reads its tree, and copies into it. */
function treeOf(store: Store, named: Named) {
  return {
    copy: async (source: string, target: string, options: CopyOptions = {}) => {
      checkedText('containers.copy()', 'source', source);
      checkedText('containers.copy()', 'target', target);
      const kinds = { archive: 'boolean', followLink: 'boolean' } as const;
      const { archive = false, followLink = false } = checkedOptions('containers.copy()', options, kinds);
      await copyBetween(store, hostPath(source), hostPath(target), { archive, followLink });
    },
    diff: (name: string) => diffContainer(store, named('diff', name)),
    commit: async (name: string, options: ContainerCommit = {}) => {
      const kinds = {
        name: 'string',
        changes: 'strings',
        author: 'string',
        message: 'string',
        pause: 'boolean',
        onWarning: 'function',
      } as const;
      const { message, pause, onWarning, ...rest } = checkedOptions('containers.commit()', options, kinds);
      const { id, notices } = await commitContainer(store, named('commit', name), {
        ...rest,
        comment: message,
        pause: pause !== false,
      });
      for (const line of noticeLines(new Map(notices))) onWarning?.(line);
      return id;
    },
    export: async (name: string, target: ArchiveTarget, options: WarningOptions = {}) => {
      const { onWarning } = checkedOptions('containers.export()', options, { onWarning: 'function' });
      using exported = exportContainer(store, named('export', name));
      await writeArchive('containers.export()', target, exported.chunks);
      for (const line of noticeLines(new Map(exported.notices))) onWarning?.(line);
    },
  };
}

/** '-' is a file of that name here, not standard input or output. */
function hostPath(text: string): string {
  return text === '-' ? resolve(text) : text;
}
