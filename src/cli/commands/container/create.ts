/**
 * `plyfs container create`: a container that does not run yet.
 */

import { Command } from 'commander';
import { print } from '../../output.js';
import { addCreateOptions, type CreateFlags, createFor, wishOf } from './create-options.js';
import { addContainerOptions, attempt, openStore } from './shared.js';

const DETAILS = `
The container is the layers of the image, a writable directory of its own, and its mounts. 'start' mounts it, 'run'
makes one and runs its command. The id is printed.

On one target the stronger wins, weakest first: VOLUME of the image, --volumes-from in order, -v, --mount. An empty
volume gets what the image has in its place, unless it is 'nocopy'.

Examples:
  plyfs container create --name web -v site:/srv debian
  plyfs container create --volumes-from web:ro --tmpfs /tmp:size=64m debian
  plyfs container create --mount type=bind,src=./app.conf,dst=/etc/app.conf,ro app`;

export function createCommand(name: 'create' | 'container create'): Command {
  const command = new Command('create')
    .description('make a container, without starting it')
    .argument('<image>', 'NAME[:TAG] or id')
    .argument('[command...]', "instead of the image's CMD")
    .passThroughOptions();
  return addContainerOptions(addCreateOptions(command))
    .addHelpText('after', DETAILS)
    .action((image: string, args: readonly string[], flags: CreateFlags) =>
      attempt(name, flags, async () => {
        const store = await openStore(flags);
        const { id } = await createFor(name, store, { wish: wishOf(image, args, flags), flags });
        print(id);
      }),
    );
}
