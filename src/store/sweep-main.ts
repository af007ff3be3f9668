/** Entry of the process that deletes what was discarded in a store, for one that has no time for it. Argument: the root. */

import { Store } from './store.js';

new Store(process.argv[2]).locked(() => undefined);
