/**
 * `plyfs snapshot`: states of containers and the like that they can go back to.
 */

import type { Command } from 'commander';
import { commandGroup } from '../../frame/command-group.js';
import { snapshotCreateCommand } from './snapshot-create.js';
import { snapshotDiffCommand } from './snapshot-diff.js';
import { snapshotExportCommand } from './snapshot-export.js';
import { snapshotListCommand } from './snapshot-list.js';
import { snapshotRemoveCommand } from './snapshot-remove.js';
import { snapshotRestoreCommand } from './snapshot-restore.js';

export function snapshotCommand(): Command {
  return commandGroup(
    'snapshot',
    'snapshots: states of containers, volumes, drafts and mounts to go back to',
    [
      snapshotCreateCommand(),
      snapshotListCommand(),
      snapshotDiffCommand(),
      snapshotRestoreCommand(),
      snapshotRemoveCommand(),
      snapshotExportCommand(),
    ],
  );
}
