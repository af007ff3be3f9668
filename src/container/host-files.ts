/**
 * /etc/hostname, /etc/hosts and /etc/resolv.conf of a running container, and mount points for /proc, /dev and /sys:
 * shown in the mount, without a trace in upper.
 *
 * The files are in the container's own directory and made anew at each start, as Docker does it. Where the image has
 * the names, the command's process puts them over by itself; what is missing plyfs shows as a virtual mount point.
 */

import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import type { ResolvedMount } from '../daemon/mount-config.js';
import { layerTreePath } from '../image/image-index.js';
import { isMissing } from '../store/atomic-file.js';
import type { ContainerRecord } from '../store/container-record.js';
import type { Store } from '../store/store.js';
import { nameFromText } from '../vfs/name.js';
import { ImageTree } from './image-tree.js';
import { realRoot } from './real-root.js';

export interface HostFile {
  /** On the host. */
  readonly source: string;
  /** In the container. */
  readonly target: string;
}

/** Writes the files. PRECONDITION: the container is locked. */
export function makeHostFiles(store: Store, record: ContainerRecord): HostFile[] {
  const home = `${realRoot(store)}/containers/${record.id}`;
  const texts: readonly [string, string][] = [
    ['hostname', `${record.hostname}\n`],
    ['hosts', hostsOf(record)],
    ['resolv.conf', resolverOf(record, readText('/etc/resolv.conf'))],
  ];
  return texts.map(([name, text]) => {
    writeFileSync(`${home}/${name}`, text, { mode: 0o644 });
    return { source: `${home}/${name}`, target: `/etc/${name}` };
  });
}

function hostsOf({ hostname, runtime }: ContainerRecord): string {
  const own = runtime?.domainName === undefined ? hostname : `${hostname}.${runtime.domainName} ${hostname}`;
  const lines = [readText('/etc/hosts').trimEnd(), `127.0.1.1\t${own}`, ...(runtime?.addHost ?? [])];
  return `${lines.join('\n')}\n`;
}

/** What `--dns` and its kin say takes the place of what the host's resolv.conf says of the same. */
function resolverOf({ runtime = {} }: ContainerRecord, host: string): string {
  const { dns, dnsSearch, dnsOptions } = runtime;
  const replaced = [
    ...(dns === undefined ? [] : ['nameserver']),
    ...(dnsSearch === undefined ? [] : ['search', 'domain']),
    ...(dnsOptions === undefined ? [] : ['options']),
  ];
  if (replaced.length === 0) return host;
  const kept = host
    .split('\n')
    .filter((line) => line !== '' && !replaced.includes(line.split(/\s/, 1)[0] ?? ''));
  const search = dnsSearch?.filter((domain) => domain !== '.') ?? [];
  const lines = [
    ...kept,
    ...(dns ?? []).map((address) => `nameserver ${address}`),
    ...(search.length === 0 ? [] : [`search ${search.join(' ')}`]),
    ...(dnsOptions === undefined ? [] : [`options ${dnsOptions.join(' ')}`]),
  ];
  return `${lines.join('\n')}\n`;
}

/** Mounts for those names that neither image nor upper has. */
export function missingMountPoints(
  store: Store,
  record: ContainerRecord,
  files: readonly HostFile[],
): ResolvedMount[] {
  const home = `${realRoot(store)}/containers/${record.id}`;
  const layers = record.layers.map((hex) => layerTreePath(store, hex));
  using tree = new ImageTree(layers, home);
  const isMissingThere = (target: string) => tree.resolve(target).type === undefined;
  mkdirSync(`${home}/empty`, { recursive: true, mode: 0o755 });
  const folders = ['/proc', '/dev', '/sys'].filter(isMissingThere);
  const lost = files.filter(({ target }) => isMissingThere(target));
  return [
    ...folders.map((target) => bind({ source: `${home}/empty`, target }, 'directory')),
    ...lost.map((file) => bind(file, 'file')),
  ];
}

function bind({ source, target }: HostFile, sourceType: 'directory' | 'file'): ResolvedMount {
  return {
    request: {
      type: 'bind',
      source,
      target,
      sourceType,
      // The command has a mount of its own over it.
      readOnly: true,
      spec: target,
      origin: 'mount',
      notices: [],
      createSource: false,
      recursive: 'enabled',
    },
    hostPath: nameFromText(source),
  };
}

function readText(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    if (isMissing(error)) return '';
    throw error;
  }
}
