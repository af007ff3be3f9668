/** Builds what a mount serves from its configuration: the union, and what is mounted over it. */

import { openUnion } from '../union/open-union.js';
import type { FileSystem } from '../vfs/file-system.js';
import type { MountConfig } from './mount-config.js';
import type { InspectName } from './worker-messages.js';

export interface ServedFileSystem {
  readonly fs: FileSystem;
  /** Answers `why`, `stats` and `inspect`. @returns a record that can be cloned. */
  inspect(name: InspectName, args: unknown): Record<string, unknown>;
}

export interface BuildOptions {
  readonly privileged: boolean;
  readonly descriptorLimit: number;
}

export function buildFileSystem(config: MountConfig, options: BuildOptions): ServedFileSystem {
  const union = openUnion({
    layers: config.layers,
    upper: config.upper,
    work: config.work,
    readOnly: config.readOnly,
    volatile: config.volatile,
    xattrNamespace: config.xattrNamespace,
    privileged: options.privileged,
    descriptorLimit: options.descriptorLimit,
  });
  return { fs: union, inspect: () => ({ nodes: union.nodeCount }) };
}
