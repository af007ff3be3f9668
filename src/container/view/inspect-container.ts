/**
 * `container inspect`: all that is known of a container. The keys are stable; those of Docker's have its meaning.
 */

import { layerTreePath } from '../../image/catalog/image-index.js';
import type { TmpfsRequest } from '../../mounts/request/types.js';
import type { ContainerMount, ContainerRecord } from '../../store/container-record.js';
import type { Store } from '../../store/store.js';
import { volumeDataPath } from '../../store/volume-record.js';
import { logPath } from '../command/attach/log-file.js';
import { readHealth } from '../record/health.js';
import { realHome } from '../record/real-root.js';
import { containerStatus, mountPointOf } from '../record/status.js';
import { anonymousVolumesOf, hostConfigOf, mountMode, networkSettingsOf } from './inspect-docker.js';
import type { RemoteFacts } from './remote-facts.js';

const NEVER = '0001-01-01T00:00:00Z';

interface InspectContainerOptions {
  /** By target, what the daemon says of remote storage. */
  readonly remote?: ReadonlyMap<string, RemoteFacts>;
  /** Undefined: not asked for. */
  readonly sizes?: { readonly changed: number; readonly whole: number } | undefined;
}

/** Touches no mount and waits for nobody. */
export function inspectContainer(
  store: Store,
  record: ContainerRecord,
  { remote = new Map(), sizes }: InspectContainerOptions = {},
) {
  const args = [...record.process.entrypoint, ...record.process.command];
  const home = realHome(store, record.id);
  return {
    Id: record.id,
    Created: record.createdAt,
    Path: args[0] ?? '',
    Args: args.slice(1),
    State: stateOf(store, record),
    Image: record.image.id,
    ResolvConfPath: '',
    HostnamePath: '',
    HostsPath: '',
    LogPath: logPath(store, record),
    Name: `/${record.name}`,
    RestartCount: 0,
    Driver: 'plyfs',
    Platform: record.os,
    MountLabel: '',
    ProcessLabel: '',
    AppArmorProfile: '',
    ExecIDs: null,
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
    Mounts: record.mounts.map((mount) => ({
      ...inspectMount(store, mount),
      ...remote.get(mount.request.target),
    })),
    Config: configOf(record),
    NetworkSettings: networkSettingsOf(record),
    // Up to here in Docker's order; what follows are our own.
    ImageName: record.image.name,
    MountPoint: mountPointOf(store, record),
    Layers: record.layers.map((hex) => layerTreePath(store, hex)),
    Upper: `${home}/upper`,
    Work: `${home}/work`,
  };
}

function stateOf(store: Store, record: ContainerRecord) {
  const { status, state, pid, daemon } = containerStatus(store, record);
  const ran = status === 'created' ? undefined : state;
  return {
    Status: status,
    Running: status === 'running',
    Paused: false,
    Restarting: false,
    OOMKilled: state?.oomKilled === true,
    Dead: status === 'dead',
    Pid: pid ?? 0,
    ExitCode: state?.exitCode ?? 0,
    Error: state?.error ?? state?.lost ?? '',
    StartedAt: ran?.startedAt ?? NEVER,
    FinishedAt: ran?.finishedAt ?? NEVER,
    Health: readHealth(store, record),
    DaemonPid: daemon?.pid ?? 0,
  };
}

/** In Docker's order. */
function configOf(record: ContainerRecord) {
  const { process } = record;
  return {
    Hostname: record.hostname,
    Domainname: record.runtime?.domainName ?? '',
    User: process.user,
    AttachStdin: process.interactive,
    AttachStdout: true,
    AttachStderr: true,
    ExposedPorts: portsOf(record.exposedPorts ?? []),
    Tty: process.tty,
    OpenStdin: process.interactive,
    StdinOnce: process.endsInputWithClient === true,
    Env: process.environment,
    Cmd: orNull(process.command),
    Healthcheck: record.healthcheck,
    Image: record.image.name,
    Volumes: anonymousVolumesOf(record.mounts),
    WorkingDir: process.workingDirectory === '/' ? '' : process.workingDirectory,
    Entrypoint: orNull(process.entrypoint),
    OnBuild: null,
    Labels: record.labels,
    StopSignal: process.stopSignal,
    StopTimeout: process.stopTimeoutMs === undefined ? undefined : process.stopTimeoutMs / 1000,
    MacAddress: undefined,
    Shell: undefined,
  };
}

function portsOf(ports: readonly string[]): Readonly<Record<string, object>> | undefined {
  return ports.length === 0 ? undefined : Object.fromEntries(ports.map((port) => [port, {}]));
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
  const { Mode, Propagation } = mountMode(mount);
  return {
    Type: request.type,
    ...(isLocal ? { Name: request.source } : {}),
    Source: isLocal ? volumeDataPath(store, request.source) : (request.source ?? ''),
    Destination: request.target,
    ...(isVolume ? { Driver: 'local' } : {}),
    Mode,
    RW: !request.readOnly,
    Propagation,
    /** The option that asked for it: image, volumes-from, volume (-v), mount (--mount), tmpfs. */
    Origin: origin,
    ...(isVolume && request.subpath !== undefined ? { Subpath: request.subpath } : {}),
    ...(request.owners === undefined ? {} : { Owners: request.owners }),
    ...(request.timeoutMs === undefined ? {} : { TimeoutMs: request.timeoutMs }),
    ...(request.remote === undefined ? {} : { Remote: request.remote }),
    ...(request.type === 'tmpfs' ? inspectTmpfs(request) : {}),
  };
}
