/**
 * `plyfs image`: the commands about images.
 */

import type { Command } from 'commander';
import { commandGroup } from '../../command-group.js';
import { imageImportCommand } from './import.js';
import { imageListCommand } from './list.js';

export function imageCommand(): Command {
  return commandGroup('image', 'images: import, list, load, save, remove', [
    imageImportCommand(),
    imageListCommand('ls'),
  ]);
}
