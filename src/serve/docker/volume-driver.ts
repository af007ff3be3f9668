/**
 * Volumes of the store as Docker's: what each call of its protocol does.
 *
 * A volume that some of Docker's containers have is held by this process (`VolumeUse`), and by a record for when this process was
 * killed (volume/outside-users.ts). What is mounted stays mounted when the process ends: containers go on, and the next one takes
 * over.
 * INVARIANT: an id is on disk before dockerd learns where the volume is.
 */

import { runningUsersOf } from '../../daemon/run-directory/store-users.js';
import { messageOf } from '../../errno/reason.js';
import { UserError } from '../../errno/user-error.js';
import type { Store } from '../../store/store.js';
import { listVolumes, readVolume, type VolumeRecord } from '../../store/volume-record.js';
import { createVolume, isAnonymous } from '../../volume/create-volume.js';
import { hasOutsideUsers, readOutsideIds, writeOutsideIds } from '../../volume/outside-users.js';
import { removeVolume } from '../../volume/remove-volume.js';
import { renameVolume } from '../../volume/rename-volume.js';
import { noSuchVolume } from '../../volume/volume-names.js';
import { OneAtATime } from '../socket/one-at-a-time.js';
import { beginToHold, type HeldForDocker, pathForDocker } from './hold-volume.js';
import { cloneInThread } from './volume-thread.js';

interface DockerVolume {
  readonly name: string;
  /** The directory that Docker binds. */
  readonly mountpoint: string;
  readonly createdAt: string;
  readonly status: Readonly<Record<string, unknown>>;
}

type Options = Readonly<Record<string, string>>;

export class VolumeDriver {
  readonly #store: Store;
  readonly #log: (line: string) => void;
  readonly #held = new Map<string, HeldForDocker>();
  readonly #turns = new OneAtATime();

  constructor(store: Store, log: (line: string) => void) {
    this.#store = store;
    this.#log = log;
  }

  /** Takes over what a server that was killed, or ended, has left to Docker's containers. */
  async adopt(): Promise<void> {
    const names = listVolumes(this.#store).map(({ name }) => name);
    const left = names.filter((name) => readOutsideIds(this.#store, name).length > 0);
    await Promise.all(left.map((name) => this.#turns.run(name, () => this.#adoptOne(name))));
  }

  async #adoptOne(name: string): Promise<void> {
    const record = readVolume(this.#store, name);
    if (record === undefined || this.#held.has(name)) return;
    try {
      this.#held.set(name, await beginToHold(this.#store, record));
    } catch (error) {
      // Its storage is gone. Containers that have it go on as they can; the next mount says what is wrong.
      this.#log(`cannot take over volume '${name}': ${messageOf(error)}`);
    }
  }

  /** `clone=NAME` and `rename=NAME` make it of another volume; all other options are those of `plyfs volume create`. */
  async create(name: string, options: Options): Promise<void> {
    const { clone, rename, ...rest } = options;
    await this.#turns.run(name, async () => {
      if (clone !== undefined || rename !== undefined) return await this.#createFrom(name, options, rest);
      if (Object.keys(rest).length === 0 && readVolume(this.#store, name) !== undefined) return;
      createVolume(this.#store, { name, options: rest });
    });
  }

  async #createFrom(name: string, { clone, rename }: Options, rest: Options): Promise<void> {
    const key = clone === undefined ? 'rename' : 'clone';
    const others = [...Object.keys(rest), ...(clone !== undefined && rename !== undefined ? ['rename'] : [])];
    if (others.length > 0) {
      throw new UserError(`'${key}' cannot be mixed with '${others[0]}'`, {
        hint: 'the options of the other volume come along',
      });
    }
    if (clone !== undefined) return await cloneInThread(this.#store, clone, name);
    renameVolume(this.#store, rename ?? '', name, runningUsersOf(this.#store.root));
  }

  /** @throws UserError when somebody uses it, or there is none. */
  async remove(name: string): Promise<void> {
    await this.#turns.run(name, async () => {
      const held = this.#held.get(name);
      // dockerd removes what none of its containers has: ids that are left are of containers that died with a daemon.
      if (held !== undefined && !hasOutsideUsers(this.#store, name)) {
        writeOutsideIds(this.#store, name, []);
        this.#held.delete(name);
        await held.end();
      }
      removeVolume(this.#store, name, runningUsersOf(this.#store.root));
    });
  }

  /** @param id of the user: the same volume may be mounted by several. @returns the directory to bind. */
  async mount(name: string, id: string): Promise<string> {
    return await this.#turns.run(name, async () => {
      const known = this.#held.get(name);
      const record = known?.record ?? readVolume(this.#store, name);
      if (record === undefined) throw noSuchVolume(name);
      const held = known ?? (await beginToHold(this.#store, record));
      await known?.makeReady();
      try {
        const ids = readOutsideIds(this.#store, name);
        if (!ids.includes(id)) writeOutsideIds(this.#store, name, [...ids, id]);
      } catch (error) {
        if (known === undefined) await held.end();
        throw error;
      }
      this.#held.set(name, held);
      return held.path;
    });
  }

  /** One that has not mounted it, or a volume that is gone, is no error: dockerd asks again after its own restart. */
  async unmount(name: string, id: string): Promise<void> {
    await this.#turns.run(name, async () => {
      if (readVolume(this.#store, name) === undefined) return;
      const ids = readOutsideIds(this.#store, name).filter((one) => one !== id);
      writeOutsideIds(this.#store, name, ids);
      const held = this.#held.get(name);
      if (ids.length > 0 || held === undefined) return;
      this.#held.delete(name);
      await held.end();
    });
  }

  /** @throws UserError when there is none. */
  get(name: string): DockerVolume {
    const record = readVolume(this.#store, name);
    if (record === undefined) throw noSuchVolume(name);
    return this.#described(record);
  }

  /** Those that a container of plyfs has for itself alone are left out. */
  list(): DockerVolume[] {
    return listVolumes(this.#store)
      .filter((record) => !isAnonymous(record))
      .map((record) => this.#described(record));
  }

  #described(record: VolumeRecord): DockerVolume {
    const { name, createdAt, labels, options } = record;
    const status = { ...(Object.keys(labels).length > 0 && { labels }), options };
    return { name, mountpoint: pathForDocker(this.#store, record), createdAt, status };
  }
}
