/**
 * `plyfs system`: the store as a whole.
 */

import type { Command } from 'commander';
import { commandGroup } from '../../frame/command-group.js';
import { systemDfCommand } from './system-df.js';
import { systemEventsCommand } from './system-events.js';
import { systemInfoCommand } from './system-info.js';
import { systemInstallHelpersCommand } from './system-install-helpers.js';
import { systemPruneCommand } from './system-prune.js';

export function systemCommand(): Command {
  return commandGroup('system', 'the store as a whole: what there is, what it takes, what can go', [
    systemInfoCommand('system info'),
    systemEventsCommand('system events'),
    systemDfCommand(),
    systemPruneCommand(),
    systemInstallHelpersCommand(),
  ]);
}
