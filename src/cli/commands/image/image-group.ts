/**
 * `plyfs image`: the commands about images.
 */

import type { Command } from 'commander';
import { commandGroup } from '../../frame/command-group.js';
import { imageBuildCommand } from './image-build.js';
import { imageCopyCommand } from './image-copy.js';
import { imageDiffCommand } from './image-diff.js';
import { imageFindCommand } from './image-find.js';
import { imageHistoryCommand } from './image-history.js';
import { imageImportCommand } from './image-import.js';
import { imageInspectCommand } from './image-inspect.js';
import { imageListCommand } from './image-list.js';
import { imageLoadCommand } from './image-load.js';
import { imagePruneCommand } from './image-prune.js';
import { imagePullCommand, imagePushCommand } from './image-pull.js';
import { imageRemoveCommand } from './image-remove.js';
import { imageSaveCommand } from './image-save.js';
import { imageTagCommand } from './image-tag.js';
import { imageTagsCommand } from './image-tags.js';
import { imageWasteCommand } from './image-waste.js';

export function imageCommand(): Command {
  return commandGroup(
    'image',
    'images: build, pull, push, copy, import, load, save, list, tag, remove, compare, search',
    [
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
      imageDiffCommand(),
      imageFindCommand(),
      imageWasteCommand(),
    ],
  );
}
