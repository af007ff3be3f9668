/** Names of containers: Docker's rule, and two words of our own where none is given. */

import { UserError } from '../../errno/user-error.js';
import { randomHex } from '../../vfs/random-hex.js';

const NAME = /^[a-zA-Z0-9][a-zA-Z0-9_.-]+$/;

/** @throws UserError */
export function checkContainerName(name: string): void {
  if (NAME.test(name)) return;
  throw new UserError(`invalid container name '${name}': only [a-zA-Z0-9][a-zA-Z0-9_.-] are allowed`, {
    hint: 'two characters at least',
  });
}

export function newContainerId(): string {
  return randomHex(32);
}

const QUALITIES = (
  'amber ample ashen birchen brisk calm candid cedar chalky clear copper coral dappled dusky early earthen even ' +
  'fallow fern flinty frosty gentle gilded glassy hazel hollow humble inky ivory jade keen level linen lively lunar ' +
  'mellow misty mossy muted nimble oaken olive opal patient pebbly plain quiet rapid rosy rustic sandy silken ' +
  'silver slate snowy solar steady sunny supple tawny tidal timber umber velvet vivid willow woolly'
).split(' ');

const THINGS = (
  'anchor arch barn basin beacon bell bench bridge brook cabin cairn canal candle castle cellar chapel chest cliff ' +
  'compass cottage cove crane dune estuary ferry field forge fountain garden gate glade granary grove gully harbour ' +
  'hearth hedge hill inlet islet kettle kiln ladder lagoon lantern lathe ledge loft loom marsh meadow mill moor ' +
  'orchard paddock path pier plough pond quarry quay reed ridge sluice spire stile tower trellis valley weir well'
).split(' ');

/** `quiet_harbour`; with a number when chance has met a name in use. */
export function randomName(isTaken: (name: string) => boolean): string {
  for (let attempt = 0; ; attempt++) {
    const words = `${QUALITIES[below(QUALITIES.length)]}_${THINGS[below(THINGS.length)]}`;
    const name = attempt < 3 ? words : `${words}${below(10 ** Math.min(attempt, 9))}`;
    if (!isTaken(name)) return name;
  }
}

/** Any of the numbers from 0 on. Whether a name is in use is asked anyway. */
function below(count: number): number {
  return Math.floor(Math.random() * count);
}
