/**
 * `plyfs serve docker-volumes`: a volume driver of Docker's.
 */

import type { Command } from 'commander';
import { servedCommand } from './served-command.js';

const DETAILS = `
dockerd finds the driver by the name of the socket: plyfs.sock is '-d plyfs'. Volumes are those of the store: what
Docker makes is in 'plyfs volume ls', and the reverse. What containers have mounted stays when this ends, by whatever
signal, and the next one takes over.

Options of 'docker volume create -d plyfs': those of 'plyfs volume create' (size=, type= device= o=, timeout= ...), and
  clone=NAME    a copy of another volume
  rename=NAME   another volume under this name; no container may have it

Examples:
  plyfs serve docker-volumes
  docker volume create -d plyfs --opt size=2g data
  docker run -v data:/data debian ls /data
  docker volume create -d plyfs --opt clone=data data-copy`;

export function serveDockerVolumesCommand(): Command {
  return servedCommand({
    name: 'docker-volumes',
    description: "a volume driver for Docker ('docker volume create -d plyfs')",
    client: 'dockerd',
    socket: '/run/docker/plugins/plyfs.sock',
    details: DETAILS,
    load: async () => (await import('../../../serve/docker/serve-docker-volumes.js')).serveDockerVolumes,
  });
}
