/** Another name for a container. */

import { UserError } from '../../errno/user-error.js';
import { type ContainerRecord, listContainers, writeContainer } from '../../store/container-record.js';
import type { Store } from '../../store/store.js';
import { checkContainerName } from '../record/container-names.js';
import { reread } from '../record/find.js';
import { noteContainer } from '../record/note-container.js';
import { nameConflict } from './create-container.js';

/** @throws UserError for a name that cannot be, is its own, or another's. */
export function renameContainer(store: Store, record: ContainerRecord, name: string): void {
  checkContainerName(name);
  store.locked(() => {
    const now = reread(store, record);
    if (now.name === name) {
      throw new UserError(
        `cannot rename container '${name}': renaming a container with the same name as its current name`,
      );
    }
    const holder = listContainers(store).find((other) => other.name === name);
    if (holder !== undefined) throw nameConflict(name, holder.id);
    writeContainer(store, { ...now, name });
    noteContainer(store, { ...now, name }, 'rename', { oldName: `/${now.name}` });
  });
}
