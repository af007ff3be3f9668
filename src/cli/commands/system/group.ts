/**
 * `plyfs system`: the store as a whole.
 */

import type { Command } from 'commander';
import { commandGroup } from '../../command-group.js';
import { systemDfCommand } from './df.js';
import { systemInfoCommand } from './info.js';
import { systemInstallHelpersCommand } from './install-helpers.js';
import { systemPruneCommand } from './prune.js';

export function systemCommand(): Command {
  return commandGroup('system', 'the store as a whole: what there is, what it takes, what can go', [
    systemInfoCommand('system info'),
    systemDfCommand(),
    systemPruneCommand(),
    systemInstallHelpersCommand(),
  ]);
}
