/**
 * `plyfs volume`: the commands about volumes.
 */

import type { Command } from 'commander';
import { commandGroup } from '../../frame/command-group.js';
import { volumeCloneCommand } from './volume-clone.js';
import { volumeCreateCommand } from './volume-create.js';
import { volumeExportCommand } from './volume-export.js';
import { volumeImportCommand } from './volume-import.js';
import { volumeInspectCommand } from './volume-inspect.js';
import { volumeListCommand } from './volume-list.js';
import { volumePruneCommand } from './volume-prune.js';
import { volumeRemoveCommand } from './volume-remove.js';
import { volumeRenameCommand } from './volume-rename.js';
import { volumeReseedCommand, volumeStatusCommand } from './volume-status.js';

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
    volumeStatusCommand(),
    volumeReseedCommand(),
  ]);
}
