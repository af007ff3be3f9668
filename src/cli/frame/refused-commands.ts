/**
 * Commands of Docker that plyfs does not have, each with the reason: who types one learns why in a line.
 */

const REASONS: Readonly<Record<string, string>> = {
  pause: 'plyfs does not freeze containers',
  unpause: 'plyfs does not freeze containers',
  port: "containers share the host's network, no port is mapped",
  stats: "plyfs does not count; 'plyfs top' shows the processes, 'plyfs ps -s' the sizes",
  update: 'limits are those that a container was made with; make a new one of the same volumes',
  search: "registries have no common way to be searched; a name is given to 'plyfs pull'",
  network: "containers share the host's network",
  context: 'there is no daemon elsewhere to speak to; run plyfs on that host',
  compose: 'plyfs runs single containers; start each of the services with plyfs run',
  buildx: "there is one builder, 'plyfs build'",
  builder: "there is one builder, 'plyfs build'; 'plyfs image prune' empties its cache",
  manifest: "lists of manifests are made by other tools; 'plyfs push' sends an image as it is",
  trust: 'images are verified by their digests, not by signatures',
  checkpoint: 'processes cannot be saved and restored',
  plugin: "there is one volume driver, 'local'",
  swarm: 'plyfs serves one host',
  node: 'plyfs serves one host',
  service: 'plyfs serves one host',
  stack: 'plyfs serves one host',
  secret: "plyfs serves one host; 'plyfs build --secret' gives a secret to a build",
  config: 'plyfs serves one host',
};

/** @returns undefined when Docker has no such command either. */
export function whyRefused(command: string): string | undefined {
  return Object.hasOwn(REASONS, command) ? REASONS[command] : undefined;
}
