/**
 * `plyfs container`: the commands about containers, and their shortcuts.
 */

import type { Command } from 'commander';
import { commandGroup } from '../../command-group.js';
import { attachCommand } from './attach.js';
import { mountAddCommand, mountRemoveCommand } from './change-mounts.js';
import { commitCommand, exportCommand } from './commit.js';
import { copyCommand } from './copy.js';
import { createCommand } from './create.js';
import { diffCommand } from './diff.js';
import { execCommand } from './exec.js';
import { inspectCommand } from './inspect.js';
import { listCommand } from './list.js';
import { logsCommand } from './logs.js';
import { pruneCommand, removeCommand, renameCommand } from './remove.js';
import { restartCommand } from './restart.js';
import { runCommand } from './run.js';
import { mountCommand, startCommand, umountCommand } from './start.js';
import { killCommand, stopCommand, waitCommand } from './stop.js';
import { topCommand } from './top.js';

export function containerCommand(): Command {
  return commandGroup('container', 'containers: make, mount, run, look into, remove', [
    createCommand('container create'),
    startCommand('container start'),
    stopCommand('container stop'),
    restartCommand('container restart'),
    mountCommand(),
    umountCommand(),
    mountAddCommand(),
    mountRemoveCommand(),
    runCommand('container run'),
    execCommand('container exec'),
    attachCommand('container attach'),
    listCommand('ls'),
    inspectCommand(),
    diffCommand('container diff'),
    copyCommand('container cp'),
    commitCommand('container commit'),
    exportCommand('container export'),
    logsCommand('container logs'),
    killCommand('container kill'),
    waitCommand('container wait'),
    topCommand('container top'),
    renameCommand('container rename'),
    removeCommand('container rm'),
    pruneCommand(),
  ]);
}

/** As Docker has them without `container`; `mount`, `inspect` and `prune` are other commands here, or of several. */
export function containerShortcuts(): Command[] {
  return [
    runCommand('run'),
    execCommand('exec'),
    attachCommand('attach'),
    listCommand('ps'),
    diffCommand('diff'),
    copyCommand('cp'),
    commitCommand('commit'),
    createCommand('create'),
    startCommand('start'),
    stopCommand('stop'),
    restartCommand('restart'),
    killCommand('kill'),
    logsCommand('logs'),
    waitCommand('wait'),
    topCommand('top'),
    renameCommand('rename'),
    removeCommand('rm'),
    exportCommand('export'),
  ];
}
