/**
 * `containers/ID/container.json`: what a container was created with. It changes by rename, commit and mounts alone;
 * whether the container runs is seen from its daemon, not from here.
 */

import { volumeNameOf } from '../mounts/request/named-sources.js';
import type { MountRequest } from '../mounts/request/types.js';
import { writeJson } from './atomic-file.js';
import { containerHome } from './container-home.js';
import { readRecord, type Shape } from './read-record.js';
import type { StoreView } from './store-view.js';

/** A tree of layers with an upper of its own, in a home in the store: a container's, or that of a step of a build. */
export interface Rootfs {
  /** Names the home; of a container 64 hex digits. */
  readonly id: string;
  readonly name: string;
  /** chainIDs in hex, bottom first. They hold the layers, also when the image is untagged or gone. */
  readonly layers: readonly string[];
  /** How many of them, the topmost, have been the tree's upper until a snapshot was taken; the others are its image's. */
  readonly ownLayers?: number;
  readonly mounts: readonly ContainerMount[];
  readonly readOnly: boolean;
  readonly hostname: string;
  /** Absent: nothing of it was asked for. */
  readonly runtime?: RuntimeOptions;
}

/** A tree, and the command that runs in it. */
export interface RunnableRootfs extends Rootfs {
  /** What runs: the image's process and the options, merged. */
  readonly process: ProcessConfig;
  /** `--privileged`: all capabilities, nothing of /proc and /sys hidden. */
  readonly privileged: boolean;
  /** `none`: a network of its own, with nothing but a loopback; the host's by default. */
  readonly network?: 'none';
  /** The image's and the options'; absent: neither says anything. */
  readonly healthcheck?: Healthcheck;
  /** The image's SHELL, for a check that is a line; absent: `/bin/sh -c`. */
  readonly shell?: readonly string[];
}

export interface ContainerRecord extends RunnableRootfs {
  /** RFC 3339, UTC. */
  readonly createdAt: string;
  readonly image: ContainerImage;
  readonly labels: Readonly<Record<string, string>>;
  /** `--volumes-from` as given; its mounts are among `mounts`. */
  readonly volumesFrom?: readonly string[];
  /** Ports that the image and `--expose` name, `80/tcp`: for who inspects it. Absent in records of before 2026-11-30. */
  readonly exposedPorts?: readonly string[];
  /** `--cidfile` as given. */
  readonly idFile?: string;
  /** `--rm`: removed when its command ends. */
  readonly autoRemove: boolean;
  /** `none`: nothing that the command prints is kept. */
  readonly logDriver?: 'none' | 'json-file' | 'local';
  /** `--log-opt`, as given. */
  readonly logOptions?: Readonly<Record<string, string>>;
  /** The image's `os`, `linux` by default. */
  readonly os: string;
  /** Oldest first. */
  readonly snapshots?: readonly SnapshotRecord[];
}

/** A state of a container to which it can go back. */
export interface SnapshotRecord {
  readonly name: string;
  /** RFC 3339, UTC. */
  readonly createdAt: string;
  /** The own layers of that state, bottom first. */
  readonly layers: readonly string[];
}

/** Docker's record of a health check; times in nanoseconds, absent ones are the defaults. */
export interface Healthcheck {
  /** `NONE`, or `CMD` and words, or `CMD-SHELL` and a line. */
  readonly Test?: readonly string[];
  readonly Interval?: number;
  readonly Timeout?: number;
  readonly StartPeriod?: number;
  readonly Retries?: number;
}

/** What a command may do and sees of the host, where that is not the default. */
export interface RuntimeOptions {
  /** The first process is one of plyfs' that reaps and forwards signals. */
  readonly init?: boolean;
  readonly domainName?: string;
  /** Names or numbers. */
  readonly groupAdd?: readonly string[];
  /** Lines of /etc/hosts. */
  readonly addHost?: readonly string[];
  /** Names without `CAP_`, or `ALL`. */
  readonly capAdd?: readonly string[];
  readonly capDrop?: readonly string[];
  readonly devices?: readonly DeviceMapping[];
  /** `TYPE MAJOR:MINOR ACCESS`. */
  readonly deviceRules?: readonly string[];
  readonly limits?: ResourceLimits;
  /** The most that its changes may take: a disk of its own holds them. */
  readonly storageBytes?: number;
  readonly oomScoreAdj?: number;
  readonly ulimits?: readonly ResourceLimit[];
  /** `NAME=VALUE`. */
  readonly sysctls?: readonly string[];
  readonly dns?: readonly string[];
  readonly dnsSearch?: readonly string[];
  readonly dnsOptions?: readonly string[];
  readonly shmBytes?: number;
  readonly noNewPrivileges?: boolean;
  /** False: no filter of system calls (`seccomp=unconfined`). */
  readonly filtersCalls?: boolean;
  /** As given. */
  readonly securityOptions?: readonly string[];
}

export interface DeviceMapping {
  /** On the host. */
  readonly source: string;
  readonly target: string;
  /** Letters of `rwm`. */
  readonly permissions: string;
}

/** What a container may use at most, kept by its cgroups; absent: no limit. */
export interface ResourceLimits {
  readonly memoryBytes?: number;
  /** With swap; -1: as much swap as there is. */
  readonly memorySwapBytes?: number;
  readonly memoryReservationBytes?: number;
  readonly swappiness?: number;
  readonly nanoCpus?: number;
  readonly cpuShares?: number;
  readonly cpuPeriodUs?: number;
  readonly cpuQuotaUs?: number;
  /** `0-2,5` */
  readonly cpusetCpus?: string;
  readonly cpusetMems?: string;
  readonly pids?: number;
}

/** -1: unlimited. */
export interface ResourceLimit {
  readonly name: string;
  readonly soft: number;
  readonly hard: number;
}

interface ContainerImage {
  /** `sha256:HEX`, the digest of its config. */
  readonly id: string;
  /** As typed. */
  readonly name: string;
}

export interface ProcessConfig {
  readonly entrypoint: readonly string[];
  readonly command: readonly string[];
  /** `NAME=VALUE`. */
  readonly environment: readonly string[];
  /** Absolute. */
  readonly workingDirectory: string;
  /** `user[:group]`, names or numbers; empty: root. */
  readonly user: string;
  readonly tty: boolean;
  /** Keeps standard input open. */
  readonly interactive: boolean;
  /** Input ends when the first client that is attached to it goes away. */
  readonly endsInputWithClient?: boolean;
  /** `SIGTERM` by default. */
  readonly stopSignal: string;
  /** Until SIGKILL follows the stop signal; negative: never. 10 s by default. */
  readonly stopTimeoutMs?: number;
}

/** Weakest first: who asked for a mount. */
export type MountOrigin = 'image' | 'volumes-from' | 'volume' | 'mount' | 'tmpfs';

export interface ContainerMount {
  readonly origin: MountOrigin;
  /** The mount; `source` of a volume is its name, also when it is anonymous. */
  readonly request: MountRequest;
  /** The volume was made for this mount: whoever asked for it gave no name. Absent in records of before 2026-11-29. */
  readonly unnamed?: boolean;
}

const TEXTS: Shape = { listOf: 'text' };

/** Records of other versions lack this and that. */
const SHAPE: Shape = {
  fields: {
    id: 'text',
    'name?': 'text',
    createdAt: 'text',
    'image?': { fields: { id: 'text', 'name?': 'text' } },
    'layers?': TEXTS,
    'ownLayers?': 'number',
    'snapshots?': { listOf: { fields: { name: 'text', createdAt: 'text', layers: TEXTS } } },
    'process?': {
      fields: {
        'entrypoint?': TEXTS,
        'command?': TEXTS,
        'environment?': TEXTS,
        'workingDirectory?': 'text',
        'user?': 'text',
      },
    },
    'labels?': { mapOf: 'text' },
    mounts: {
      listOf: { fields: { request: { fields: { type: 'text', 'target?': 'text', 'source?': 'text' } } } },
    },
  },
};

/** @returns undefined when there is no such container. @throws UserError for a broken record. */
export function readContainer(store: StoreView, id: string): ContainerRecord | undefined {
  return readRecord(store.path(containerHome(id), 'container.json'), SHAPE);
}

/** Oldest first. */
export function listContainers(store: StoreView): ContainerRecord[] {
  return store
    .names('containers')
    .map((id) => readContainer(store, id))
    .filter((record) => record !== undefined)
    .sort((a, b) => a.createdAt.localeCompare(b.createdAt) || a.id.localeCompare(b.id));
}

/** PRECONDITION: the directory of the container exists. */
export function writeContainer(store: StoreView, record: ContainerRecord): void {
  writeJson(store.path(containerHome(record.id), 'container.json'), record, 0o600);
}

/** The layers of the container's image, bottom first. */
export function imageLayersOf({ layers, ownLayers = 0 }: Rootfs): readonly string[] {
  return layers.slice(0, layers.length - ownLayers);
}

/** What was the container's upper before snapshots were taken, bottom first. */
export function ownLayersOf({ layers, ownLayers = 0 }: Rootfs): readonly string[] {
  return layers.slice(layers.length - ownLayers);
}

/** All layers that the container needs, for what it is and for what it can go back to. */
export function layersHeldBy({ layers, snapshots = [] }: ContainerRecord): readonly string[] {
  return [...new Set([...layers, ...snapshots.flatMap((snapshot) => snapshot.layers)])];
}

/** Names of the volumes that a container has mounted, each once. */
export function volumesOf(record: ContainerRecord): string[] {
  const names = record.mounts.map(({ request }) => volumeNameOf(request));
  return [...new Set(names.filter((name) => name !== undefined))];
}

/**
 * Volumes that the container names nowhere. What counts is how its mounts name them, not how they were made: an
 * anonymous volume that was given by its id is a named one here. A record that does not say so counts as naming them,
 * but for VOLUME of an image, which cannot.
 */
export function unnamedVolumesOf(record: ContainerRecord): string[] {
  const isUnnamed = ({ unnamed, origin }: ContainerMount) => unnamed ?? origin === 'image';
  const named = record.mounts.filter((mount) => !isUnnamed(mount));
  const names = volumesOf({ ...record, mounts: named });
  return volumesOf(record).filter((name) => !names.includes(name));
}

/** Ids of the containers, running or not, that have the volume. */
export function usersOfVolume(store: StoreView, name: string): string[] {
  return listContainers(store)
    .filter((record) => volumesOf(record).includes(name))
    .map(({ id }) => id);
}
