/**
 * `plyfs volume`: the commands about volumes.
 */

import type { Command } from 'commander';
import { commandGroup } from '../../command-group.js';
import { volumeCloneCommand } from './clone.js';
import { volumeCreateCommand } from './create.js';
import { volumeExportCommand } from './export.js';
import { volumeImportCommand } from './import.js';
import { volumeInspectCommand } from './inspect.js';
import { volumeListCommand } from './list.js';
import { volumePruneCommand } from './prune.js';
import { volumeRemoveCommand } from './remove.js';
import { volumeRenameCommand } from './rename.js';

export function volumeCommand(): Command {
  return commandGroup('volume', 'volumes: directories that outlive containers and mounts', [
    volumeCreateCommand(),
    volumeListCommand(),
    volumeInspectCommand(),
    volumeRemoveCommand(),
    volumePruneCommand(),
    volumeRenameCommand(),
    volumeCloneCommand(),
    volumeExportCommand(),
    volumeImportCommand(),
  ]);
}
