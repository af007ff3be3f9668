/**
 * `containers/ID/container.json`: what a container was created with. It changes by rename, commit and mounts alone;
 * whether the container runs is seen from its daemon, not from here.
 */

import type { MountRequest } from '../mounts/spec/types.js';
import { readJson, writeJson } from './atomic-file.js';
import type { Store } from './store.js';

export interface ContainerRecord {
  /** 64 hex digits. */
  readonly id: string;
  readonly name: string;
  /** RFC 3339, UTC. */
  readonly createdAt: string;
  readonly image: ContainerImage;
  /** chainIDs in hex, bottom first. They hold the layers, also when the image is untagged or gone. */
  readonly layers: readonly string[];
  /** Of the image and of the options, merged. */
  readonly process: ProcessConfig;
  readonly labels: Readonly<Record<string, string>>;
  readonly mounts: readonly ContainerMount[];
  readonly readOnly: boolean;
  /** `--rm`: removed when its command ends. */
  readonly autoRemove: boolean;
  /** `--privileged`: all capabilities, nothing of /proc and /sys hidden. */
  readonly privileged: boolean;
  readonly hostname: string;
  /** `none`: nothing that the command prints is kept. */
  readonly logDriver?: 'none' | 'json-file';
  /** `none`: a network of its own, with nothing but a loopback; the host's by default. */
  readonly network?: 'none';
  /** Absent: nothing of it was asked for. */
  readonly runtime?: RuntimeOptions;
  /** The image's `os`, `linux` by default. */
  readonly os: string;
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
  /** Of `rwm`; as given, since no device cgroup enforces it. */
  readonly permissions: string;
}

/** -1: unlimited. */
export interface ResourceLimit {
  readonly name: string;
  readonly soft: number;
  readonly hard: number;
}

export interface ContainerImage {
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
  /** Input ends when the first who is attached to it goes away. */
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
  /** Of a volume, `source` is its name, also when it is anonymous. */
  readonly request: MountRequest;
  /** The volume was made for this mount: whoever asked for it gave no name. Absent in records of before 2026-11-29. */
  readonly unnamed?: boolean;
}

/** @returns undefined when there is no such container. */
export function readContainer(store: Store, id: string): ContainerRecord | undefined {
  return readJson(store.path('containers', id, 'container.json')) as ContainerRecord | undefined;
}

/** Oldest first. */
export function listContainers(store: Store): ContainerRecord[] {
  return store
    .names('containers')
    .map((id) => readContainer(store, id))
    .filter((record) => record !== undefined)
    .sort((a, b) => a.createdAt.localeCompare(b.createdAt) || a.id.localeCompare(b.id));
}

/** PRECONDITION: the directory of the container exists. */
export function writeContainer(store: Store, record: ContainerRecord): void {
  writeJson(store.path('containers', record.id, 'container.json'), record, 0o600);
}

/** Names of the volumes that a container has mounted, each once. */
export function volumesOf(record: ContainerRecord): string[] {
  const names = record.mounts.flatMap(({ request }) =>
    request.type === 'volume' && request.source !== undefined ? [request.source] : [],
  );
  return [...new Set(names)];
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
export function usersOfVolume(store: Store, name: string): string[] {
  return listContainers(store)
    .filter((record) => volumesOf(record).includes(name))
    .map(({ id }) => id);
}
