/**
 * `plyfs image`: the commands about images.
 */

import type { Command } from 'commander';
import { commandGroup } from '../../command-group.js';
import { imageBuildCommand } from './build.js';
import { imageCopyCommand } from './copy.js';
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
import { imageTagsCommand } from './tags.js';

export function imageCommand(): Command {
  return commandGroup('image', 'images: build, pull, push, copy, import, load, save, list, tag, remove', [
    imageImportCommand('image import'),
    imageLoadCommand('image load'),
    imageSaveCommand('image save'),
    imageListCommand('ls'),
    imageInspectCommand(),
    imageHistoryCommand('image history'),
    imageTagCommand('image tag'),
    imageRemoveCommand('image rm'),
    imagePruneCommand(),
    imageBuildCommand('image build'),
    imagePullCommand('image pull'),
    imagePushCommand('image push'),
    imageCopyCommand(),
    imageTagsCommand(),
  ]);
}

/** As Docker has them without `image`. */
export function imageShortcuts(): Command[] {
  return [
    imageListCommand('images'),
    imageRemoveCommand('rmi'),
    imageTagCommand('tag'),
    imageHistoryCommand('history'),
    imageBuildCommand('build'),
    imagePullCommand('pull'),
    imagePushCommand('push'),
    imageSaveCommand('save'),
    imageLoadCommand('load'),
    imageImportCommand('import'),
  ];
}
