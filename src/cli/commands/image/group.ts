/**
 * `plyfs image`: the commands about images.
 */

import type { Command } from 'commander';
import { commandGroup } from '../../command-group.js';
import { imageBuildCommand } from './build.js';
import { imageHistoryCommand } from './history.js';
import { imageImportCommand } from './import.js';
import { imageInspectCommand } from './inspect.js';
import { imageListCommand } from './list.js';
import { imageLoadCommand } from './load.js';
import { imagePruneCommand } from './prune.js';
import { imagePullCommand, imagePushCommand } from './pull.js';
import { imageRemoveCommand } from './rm.js';
import { imageSaveCommand } from './save.js';
import { imageTagCommand } from './tag.js';

export function imageCommand(): Command {
  return commandGroup('image', 'images: build, pull, push, import, load, save, list, tag, remove', [
    imageImportCommand(),
    imageLoadCommand(),
    imageSaveCommand(),
    imageListCommand('ls'),
    imageInspectCommand(),
    imageHistoryCommand(),
    imageTagCommand(),
    imageRemoveCommand(),
    imagePruneCommand(),
    imageBuildCommand(),
    imagePullCommand(),
    imagePushCommand(),
  ]);
}
