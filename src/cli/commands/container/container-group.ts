/**
 * `plyfs container`: the commands about containers. Their shortcuts are in program.ts.
 */

import type { Command } from 'commander';
import { commandGroup } from '../../frame/command-group.js';
import { commitCommand, exportCommand } from './container-commit.js';
import { copyCommand } from './container-copy.js';
import { diffCommand } from './container-diff.js';
import { containerInspectCommand } from './container-inspect.js';
import { listCommand } from './container-list.js';
import { logsCommand } from './container-logs.js';
import { mountAddCommand, mountRemoveCommand } from './container-mounts.js';
import { pruneCommand, removeCommand, renameCommand } from './container-remove.js';
import { restartCommand } from './container-restart.js';
import { killCommand, stopCommand, waitCommand } from './container-stop.js';
import { containerTopCommand } from './container-top.js';
import { attachCommand } from './run/container-attach.js';
import { createCommand } from './run/container-create.js';
import { execCommand } from './run/container-exec.js';
import { runCommand } from './run/container-run.js';
import { containerMountCommand, containerUmountCommand, startCommand } from './run/container-start.js';

export function containerCommand(): Command {
  return commandGroup('container', 'containers: make, mount, run, look into, remove', [
    createCommand('container create'),
    startCommand('container start'),
    stopCommand('container stop'),
    restartCommand('container restart'),
    containerMountCommand(),
    containerUmountCommand(),
    mountAddCommand(),
    mountRemoveCommand(),
    runCommand('container run'),
    execCommand('container exec'),
    attachCommand('container attach'),
    listCommand('ls'),
    containerInspectCommand(),
    diffCommand('container diff'),
    copyCommand('container cp'),
    commitCommand('container commit'),
    exportCommand('container export'),
    logsCommand('container logs'),
    killCommand('container kill'),
    waitCommand('container wait'),
    containerTopCommand(),
    renameCommand('container rename'),
    removeCommand('container rm'),
    pruneCommand(),
  ]);
}
