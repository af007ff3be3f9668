/**
 * `plyfs serve`: plyfs as a part of other programs.
 */

import type { Command } from 'commander';
import { commandGroup } from '../../frame/command-group.js';
import { serveContainerdCommand } from './serve-containerd-command.js';
import { serveDockerVolumesCommand } from './serve-docker-volumes-command.js';

export function serveCommand(): Command {
  return commandGroup('serve', 'servers for Docker and containerd, until they are ended by a signal', [
    serveContainerdCommand(),
    serveDockerVolumesCommand(),
  ]);
}
