/**
 * /etc/hostname, /etc/hosts and /etc/resolv.conf of a running container, and mount points for /proc, /dev and /sys:
 * shown in the mount, without a trace in upper.
 *
 * The files are in the container's own directory and made anew at each start, as Docker does it. Where the image has
 * the names, the command's process puts them over by itself; what is missing plyfs shows as a virtual mount point.
 */

import { readFileSync, writeFileSync } from 'node:fs';
import type { ResolvedMount } from '../../daemon/config/mount-config.js';
import { layerTreePath } from '../../image/catalog/image-index.js';
import { makeDirectories } from '../../linux/files/make-directories.js';
import type { BindRequest } from '../../mounts/request/types.js';
import { isMissing } from '../../store/atomic-file.js';
import type { Rootfs } from '../../store/container-record.js';
import type { Store } from '../../store/store.js';
import { nameFromText } from '../../vfs/name.js';
import { realHome } from '../record/real-root.js';
import { ImageTree } from './image-tree.js';
import { readyOwnDisk } from './own-disk.js';

export interface HostFile {
  /** On the host. */
  readonly source: string;
  /** In the container. */
  readonly target: string;
}

/** In /etc. */
const NAMES = ['hostname', 'hosts', 'resolv.conf'] as const;
type FileName = (typeof NAMES)[number];

/** Writes the files. PRECONDITION: the container is locked. */
export function makeHostFiles(store: Store, record: Rootfs): HostFile[] {
  const home = realHome(store, record.id);
  const texts: Readonly<Record<FileName, string>> = {
    hostname: `${record.hostname}\n`,
    hosts: hostsOf(record),
    'resolv.conf': resolverOf(record, readText('/etc/resolv.conf')),
  };
  return NAMES.map((name) => {
    writeFileSync(`${home}/${name}`, texts[name], { mode: 0o644 });
    return { source: `${home}/${name}`, target: `/etc/${name}` };
  });
}

function hostsOf({ hostname, runtime }: Rootfs): string {
  const own = runtime?.domainName === undefined ? hostname : `${hostname}.${runtime.domainName} ${hostname}`;
  const lines = [readText('/etc/hosts').trimEnd(), `127.0.1.1\t${own}`, ...(runtime?.addHost ?? [])];
  return `${lines.join('\n')}\n`;
}

/** What `--dns` and its kin say takes the place of what the host's resolv.conf says of the same. */
function resolverOf({ runtime = {} }: Rootfs, host: string): string {
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

/** The mount that shows plyfs's own file at `target`, as `makeHostFiles()` has made it; undefined for any other target. */
export function hostFileMount(store: Store, record: Rootfs, target: string): BindRequest | undefined {
  const name = NAMES.find((each) => target === `/etc/${each}`);
  if (name === undefined) return undefined;
  const source = `${realHome(store, record.id)}/${name}`;
  return { ...bind({ source, target }, 'file'), readOnly: false };
}

/** Mounts for those names that neither image nor upper has. */
export function missingMountPoints(
  store: Store,
  record: Rootfs,
  files: readonly HostFile[],
): ResolvedMount[] {
  readyOwnDisk(store, record);
  const home = realHome(store, record.id);
  const layers = record.layers.map((hex) => layerTreePath(store, hex));
  using tree = new ImageTree(layers, home);
  const isMissingThere = (target: string) => tree.resolve(target).type === undefined;
  makeDirectories(`${home}/empty`, 0o755);
  const folders = ['/proc', '/dev', '/sys'].filter(isMissingThere);
  const lost = files.filter(({ target }) => isMissingThere(target));
  return [
    ...folders.map((target) => bind({ source: `${home}/empty`, target }, 'directory')),
    ...lost.map((file) => bind(file, 'file')),
  ].map((request) => ({ request, hostPath: nameFromText(request.source) }));
}

function bind({ source, target }: HostFile, sourceType: 'directory' | 'file'): BindRequest {
  return {
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
