/** The options that a container is made with, checked before it is made. */

import { type ContainerChoices, createContainer } from '../container/make/create-container.js';
import type { ContainerRecord } from '../store/container-record.js';
import type { Store } from '../store/store.js';
import { checkedOptions, checkedText, type OptionKinds } from './checked-options.js';
import type { WarningOptions } from './library-options.js';

/** What a container is made with: the options of `plyfs container create`, by their names there. */
export interface NewContainer extends ContainerChoices, WarningOptions {}

export const CONTAINER_KINDS = {
  image: 'string',
  command: 'strings',
  name: 'string',
  readOnly: 'boolean',
  environment: 'strings',
  environmentFiles: 'strings',
  workingDirectory: 'string',
  user: 'string',
  entrypoint: 'string',
  hostname: 'string',
  expose: 'strings',
  labels: 'strings',
  labelFiles: 'strings',
  logDriver: 'string',
  logOptions: 'strings',
  stopTimeout: 'string',
  tty: 'boolean',
  interactive: 'boolean',
  stopSignal: 'string',
  autoRemove: 'boolean',
  privileged: 'boolean',
  volumes: 'strings',
  mounts: 'strings',
  tmpfs: 'strings',
  volumesFrom: 'strings',
  imageVolumes: 'boolean',
  init: 'boolean',
  network: 'string',
  domainName: 'string',
  groupAdd: 'strings',
  addHost: 'strings',
  capAdd: 'strings',
  capDrop: 'strings',
  device: 'strings',
  deviceCgroupRule: 'strings',
  oomScoreAdj: 'string',
  storageOptions: 'strings',
  ulimit: 'strings',
  sysctl: 'strings',
  securityOpt: 'strings',
  shmSize: 'string',
  dns: 'strings',
  dnsSearch: 'strings',
  dnsOption: 'strings',
  healthCommand: 'string',
  healthInterval: 'string',
  healthTimeout: 'string',
  healthStartPeriod: 'string',
  healthRetries: 'string',
  noHealthcheck: 'boolean',
  memory: 'string',
  memorySwap: 'string',
  memoryReservation: 'string',
  memorySwappiness: 'string',
  cpus: 'string',
  cpuShares: 'string',
  cpuPeriod: 'string',
  cpuQuota: 'string',
  cpusetCpus: 'string',
  cpusetMems: 'string',
  pidsLimit: 'string',
} as const satisfies OptionKinds<ContainerChoices>;

/** @throws UserError; then nothing is left of it. */
export async function createChecked(
  store: Store,
  called: string,
  options: NewContainer,
): Promise<ContainerRecord> {
  const { onWarning, ...checked } = checkedOptions(called, options, {
    ...CONTAINER_KINDS,
    onWarning: 'function',
  });
  checkedText(called, 'image', checked.image);
  const { record, warnings } = await createContainer(store, checked);
  for (const warning of warnings) onWarning?.(warning);
  return record;
}
