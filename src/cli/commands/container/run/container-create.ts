/**
 * `plyfs container create`: a container that does not run yet.
 */

import { Command } from 'commander';
import { fail, print } from '../../../print/output.js';
import { addContainerOptions, openStore } from '../each-container.js';
import { addCreateOptions, type CreateFlags, createFor, optionsOf } from './create-options.js';

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
      runCreate(name, image, args, flags),
    );
}

async function runCreate(
  name: string,
  image: string,
  args: readonly string[],
  flags: CreateFlags,
): Promise<void> {
  const { InvalidOption } = await import('../../../../container/make/parsed-options.js');
  try {
    const store = await openStore(flags);
    const { record, intent } = await createFor(name, store, {
      options: optionsOf(image, args, flags),
      flags,
    });
    intent.end();
    print(record.id);
  } catch (error) {
    fail(name, error, { debug: flags.debug === true });
    // As Docker's, which asks its daemon only with options that make sense.
    if (error instanceof InvalidOption) process.exitCode = 125;
  }
}
