/**
 * `container inspect`: all that is known of a container. The keys are stable; those of Docker's have its meaning.
 */

import { layerTreePath } from '../image/image-index.js';
import type { TmpfsRequest } from '../mounts/spec/types.js';
import type { ContainerMount, ContainerRecord } from '../store/container-record.js';
import type { Store } from '../store/store.js';
import { volumeDataPath } from '../store/volume-record.js';
import { logPath } from './attach/log-file.js';
import type { FarFacts } from './far-facts.js';
import { anonymousVolumesOf, hostConfigOf, mountMode, networkSettingsOf } from './inspect-docker.js';
import { realRoot } from './real-root.js';
import type { ContainerSizes } from './sizes.js';
import { mountPointOf, statusOf } from './status.js';

const NEVER = '0001-01-01T00:00:00Z';

export interface Inspected {
  /** By target, what the daemon says of far storage. */
  readonly far?: ReadonlyMap<string, FarFacts>;
  /** Undefined: not asked for. */
  readonly sizes?: ContainerSizes | undefined;
}

/** Touches no mount and waits for nobody. */
export function inspectContainer(
  store: Store,
  record: ContainerRecord,
  { far = new Map(), sizes }: Inspected = {},
) {
  const { status, state, pid, daemon } = statusOf(store, record);
  const { process } = record;
  const args = [...process.entrypoint, ...process.command];
  const home = `${realRoot(store)}/containers/${record.id}`;
  return {
    Id: record.id,
    Name: `/${record.name}`,
    Created: record.createdAt,
    Path: args[0] ?? '',
    Args: args.slice(1),
    State: {
      Status: status,
      Running: status === 'running',
      Paused: false,
      Restarting: false,
      OOMKilled: false,
      Dead: status === 'dead',
      Pid: pid ?? 0,
      ExitCode: state?.exitCode ?? 0,
      Error: state?.error ?? '',
      StartedAt: state?.startedAt ?? NEVER,
      FinishedAt: state?.finishedAt ?? NEVER,
      Health: undefined,
      DaemonPid: daemon?.pid ?? 0,
    },
    Image: record.image.id,
    ImageName: record.image.name,
    Platform: record.os,
    MountPoint: mountPointOf(store, record),
    ResolvConfPath: '',
    HostnamePath: '',
    HostsPath: '',
    LogPath: logPath(store, record),
    RestartCount: 0,
    Driver: 'plyfs',
    MountLabel: '',
    ProcessLabel: '',
    AppArmorProfile: '',
    ExecIDs: null,
    Layers: record.layers.map((hex) => layerTreePath(store, hex)),
    Upper: `${home}/upper`,
    Work: `${home}/work`,
    Mounts: record.mounts.map((mount) => ({
      ...inspectMount(store, mount),
      ...far.get(mount.request.target),
    })),
    HostConfig: hostConfigOf(record),
    GraphDriver: {
      Data: {
        LowerDir: record.layers
          .map((hex) => layerTreePath(store, hex))
          .reverse()
          .join(':'),
        MergedDir: mountPointOf(store, record),
        UpperDir: `${home}/upper`,
        WorkDir: `${home}/work`,
      },
      Name: 'plyfs',
    },
    SizeRw: sizes?.changed,
    SizeRootFs: sizes?.whole,
    Config: {
      Hostname: record.hostname,
      Domainname: record.runtime?.domainName ?? '',
      User: process.user,
      AttachStdin: process.interactive,
      AttachStdout: true,
      AttachStderr: true,
      ExposedPorts: undefined,
      Tty: process.tty,
      OpenStdin: process.interactive,
      StdinOnce: process.endsInputWithClient === true,
      Env: process.environment,
      Cmd: orNull(process.command),
      Healthcheck: undefined,
      Image: record.image.name,
      Volumes: anonymousVolumesOf(record.mounts),
      WorkingDir: process.workingDirectory === '/' ? '' : process.workingDirectory,
      Entrypoint: orNull(process.entrypoint),
      OnBuild: null,
      Labels: record.labels,
      StopSignal: process.stopSignal,
      StopTimeout: process.stopTimeoutMs === undefined ? undefined : process.stopTimeoutMs / 1000,
      Shell: undefined,
    },
    NetworkSettings: networkSettingsOf(record),
  };
}

function orNull(list: readonly string[]): readonly string[] | null {
  return list.length === 0 ? null : list;
}

function inspectTmpfs({ sizeBytes, mode }: TmpfsRequest) {
  return {
    ...(sizeBytes === undefined ? {} : { SizeBytes: sizeBytes }),
    ...(mode === undefined ? {} : { Mode: mode.toString(8).padStart(4, '0') }),
  };
}

function inspectMount(store: Store, mount: ContainerMount) {
  const { origin, request } = mount;
  const isVolume = request.type === 'volume';
  const isLocal = isVolume && request.source !== undefined;
  return {
    Type: request.type,
    ...(isLocal ? { Name: request.source } : {}),
    Source: isLocal ? volumeDataPath(store, request.source) : (request.source ?? ''),
    Destination: request.target,
    ...(isVolume ? { Driver: 'local' } : {}),
    ...mountMode(mount),
    RW: !request.readOnly,
    /** Who asked for it: image, volumes-from, volume (-v), mount (--mount), tmpfs. */
    Origin: origin,
    ...(isVolume && request.subpath !== undefined ? { Subpath: request.subpath } : {}),
    ...(request.owners === undefined ? {} : { Owners: request.owners }),
    ...(request.timeoutMs === undefined ? {} : { TimeoutMs: request.timeoutMs }),
    ...(request.remote === undefined ? {} : { Remote: request.remote }),
    ...(request.type === 'tmpfs' ? inspectTmpfs(request) : {}),
  };
}
