/**
 * What `--shm-size` and `--add-host` of a build give each RUN: mounts over what a container has there.
 */

import { readFileSync } from 'node:fs';
import { isIP } from 'node:net';
import { UserError } from '../../../errno/user-error.js';
import type { MountCommon, MountRequest } from '../../../mounts/request/types.js';
import { isMissing } from '../../../store/atomic-file.js';
import { bindOf, type PlannedMount } from './run-mounts.js';

const SHM = '/dev/shm';
const HOSTS = '/etc/hosts';
const SHM_MODE = 0o1777;

/** `NAME:ADDRESS` or `NAME=ADDRESS`, as a line of hosts(5). @throws UserError */
export function hostLine(text: string): string {
  const [, name = '', rest = ''] = /^([^:=\s]+)[:=](.+)$/.exec(text) ?? [];
  const address = rest.replace(/^\[(.*)\]$/, '$1');
  // The network is the host's: its gateway is the host itself.
  if (name !== '' && address === 'host-gateway') return `127.0.0.1\t${name}`;
  if (name !== '' && isIP(address) !== 0) return `${address}\t${name}`;
  throw new UserError(`invalid host '${text}'`, { hint: 'write NAME:ADDRESS' });
}

export interface RunSurroundings {
  readonly shmBytes?: number | undefined;
  /** Lines as hostLine() makes them. */
  readonly hosts: readonly string[];
}

/** @param taken targets of the RUN's own mounts, which win. */
export function surroundings(
  { shmBytes, hosts }: RunSurroundings,
  taken: readonly (string | undefined)[],
): PlannedMount[] {
  const planned: PlannedMount[] = [];
  if (shmBytes !== undefined && !taken.includes(SHM)) planned.push(shmMount(shmBytes));
  if (hosts.length > 0 && !taken.includes(HOSTS)) planned.push(hostsMount(hosts));
  return planned;
}

function commonAt(target: string): MountCommon {
  return { target, readOnly: false, spec: target, origin: 'mount', notices: [] };
}

function shmMount(sizeBytes: number): PlannedMount {
  const request: MountRequest = {
    ...commonAt(SHM),
    type: 'tmpfs',
    source: undefined,
    sizeBytes,
    mode: SHM_MODE,
  };
  return { key: '', attach: () => ({ mount: { origin: 'mount', request } }) };
}

function hostsMount(hosts: readonly string[]): PlannedMount {
  return {
    key: '',
    attach: (tree) => {
      const text = `${readHosts().trimEnd()}\n${hosts.join('\n')}\n`;
      const source = tree.addFile('added-hosts', Buffer.from(text), { mode: 0o644, uid: 0, gid: 0 });
      return bindOf(commonAt(HOSTS), source);
    },
  };
}

function readHosts(): string {
  try {
    return readFileSync(HOSTS, 'utf8');
  } catch (error) {
    if (isMissing(error)) return '';
    throw error;
  }
}
