/** The suites that open files, on plyfs with `-o passthrough=all`: files of layers are then read by the kernel itself. */

import { plyfsPassthrough } from '../helpers/targets.js';
import { plyfsPassthroughFailures } from './known-failures/plyfs-passthrough.js';
import { runSuites } from './run-suites.js';
import { copyUp } from './suites/copy-up.suite.js';
import { heldOpen } from './suites/held-open.suite.js';
import { link } from './suites/link.suite.js';
import { permission } from './suites/permission.suite.js';
import { sharing } from './suites/sharing.suite.js';
import { space } from './suites/space.suite.js';
import { write } from './suites/write.suite.js';

runSuites(
  plyfsPassthrough,
  [write, copyUp, link, permission, space, sharing, heldOpen],
  plyfsPassthroughFailures,
);
