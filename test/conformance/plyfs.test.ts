/** All suites on plyfs with its own engine. Until there is a command line there is nothing to run them on. */

import { describe, expect, it } from 'vitest';
import { hasPlyfs, overlayfs, plyfs } from '../helpers/targets.js';
import { readOtherwise } from './known-failures/overlayfs.js';
import { plyfsFailures } from './known-failures/plyfs.js';
import { runSuites } from './run-suites.js';
import { allSuites } from './suites/suites.js';

if (hasPlyfs()) runSuites(plyfs, allSuites, plyfsFailures, { reader: overlayfs, otherwise: readOtherwise });
else
  describe('plyfs', () =>
    it('has no command line in this checkout yet', () => expect(hasPlyfs()).toBe(false)));
