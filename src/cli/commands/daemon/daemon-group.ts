/**
 * `plyfs daemon`: the processes that serve the mounts.
 */

import type { Command } from 'commander';
import { commandGroup } from '../../frame/command-group.js';
import { daemonLogCommand } from './daemon-log.js';
import { daemonRestartCommand, daemonStopCommand, daemonUpgradeCommand } from './daemon-restart.js';
import { daemonStatusCommand } from './daemon-status.js';

export function daemonCommand(): Command {
  return commandGroup('daemon', 'the processes that serve the mounts', [
    daemonStatusCommand(),
    daemonLogCommand(),
    daemonRestartCommand(),
    daemonUpgradeCommand(),
    daemonStopCommand(),
  ]);
}
