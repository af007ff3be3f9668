/** Builds what a mount serves from its configuration: the union, and what is mounted over it. */

import { tmpdir } from 'node:os';
import { CallerIds } from '../files/caller-ids.js';
import { DescriptorCache } from '../files/descriptor-cache.js';
import { attachMounts } from '../mounts/attach-mounts.js';
import { openSource } from '../mounts/open-source.js';
import { openUnion } from '../union/open-union.js';
import type { FileSystem } from '../vfs/file-system.js';
import { InodeNumbers } from '../vfs/inode-numbers.js';
import type { MountConfig } from './mount-config.js';
import { type ImageContext, openImage } from './open-image.js';
import { why } from './why.js';
import type { InspectName } from './worker-messages.js';

export interface ServedFileSystem {
  readonly fs: FileSystem;
  /** Answers `why`, `stats` and `inspect`. @returns a record that can be cloned. */
  inspect(name: InspectName, args: Readonly<Record<string, unknown>>): object;
}

export interface BuildOptions {
  /** CAP_SYS_ADMIN. */
  readonly privileged: boolean;
  /** How many directory descriptors the union, and all mirrors together, may each keep open. */
  readonly descriptorLimit: number;
}

/** @throws UserError, FsError when something cannot be opened; then nothing stays open for long: the worker ends. */
export function buildFileSystem(config: MountConfig, options: BuildOptions): ServedFileSystem {
  const inodeNumbers = new InodeNumbers();
  const callerIds = new CallerIds(options.privileged);
  const union = openUnion({
    layers: config.layers,
    upper: config.upper,
    work: config.work,
    readOnly: config.readOnly,
    volatile: config.volatile,
    accessTimes: config.vfsOptions.filter((word) => /atime$/.test(word)),
    coherent: config.coherent,
    xattrNamespace: config.xattrNamespace,
    privileged: options.privileged,
    inodeNumbers,
    callerIds,
    descriptorLimit: options.descriptorLimit,
  });
  if (config.mounts.length === 0) {
    return { fs: union, inspect: (name, args) => (name === 'why' ? why({ union }, args) : inspectUnion()) };
  }
  const context: ImageContext = {
    xattrNamespace: config.xattrNamespace,
    descriptorLimit: options.descriptorLimit,
    privileged: options.privileged,
    mountpoint: config.mountpoint,
    clones: new Map(),
    privateRoot: process.env.XDG_RUNTIME_DIR ?? tmpdir(),
    callerIds,
    inodeNumbers,
    descriptors: new DescriptorCache(options.descriptorLimit),
  };
  const mounted = attachMounts(
    union,
    config.mounts.map(({ request, hostPath, imageLayers = [] }) => ({
      target: request.target,
      spec: request.spec,
      source:
        request.type === 'image'
          ? openImage(request, imageLayers, context)
          : openSource(request, hostPath, context),
    })),
  );
  return {
    fs: mounted,
    inspect: (name, args) => (name === 'why' ? why({ union, mounted }, args) : inspectUnion()),
  };

  function inspectUnion(): object {
    return { nodes: union.nodeCount };
  }
}
