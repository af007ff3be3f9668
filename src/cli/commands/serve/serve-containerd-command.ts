/**
 * `plyfs serve containerd`: a proxy snapshotter of containerd's.
 */

import type { Command } from 'commander';
import { servedCommand } from './served-command.js';

const DETAILS = `
containerd's configuration names the socket:

  [proxy_plugins.plyfs]
    type = "snapshot"
    address = "/run/plyfs-containerd.sock"

What is mounted stays when this ends, by whatever signal; the next one takes over.

Examples:
  plyfs serve containerd
  ctr images pull --snapshotter plyfs docker.io/library/alpine:latest
  ctr run --rm -t --snapshotter plyfs docker.io/library/alpine:latest name sh`;

export function serveContainerdCommand(): Command {
  return servedCommand({
    name: 'containerd',
    description: "a snapshotter for containerd ('ctr run --snapshotter plyfs')",
    client: 'containerd',
    socket: '/run/plyfs-containerd.sock',
    details: DETAILS,
    load: async () => (await import('../../../serve/containerd/serve-containerd.js')).serveContainerd,
  });
}
