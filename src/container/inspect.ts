/**
 * `container inspect`: all that is known of a container. The keys are stable; those of Docker's have its meaning.
 */

import { layerTreePath } from '../image/image-index.js';
import type { TmpfsRequest } from '../mounts/spec/types.js';
import type { ContainerMount, ContainerRecord } from '../store/container-record.js';
import type { Store } from '../store/store.js';
import { volumeDataPath } from '../store/volume-record.js';
import type { FarFacts } from './far-facts.js';
import { realRoot } from './real-root.js';
import { logPath } from './run.js';
import { mountPointOf, statusOf } from './status.js';

const NEVER = '0001-01-01T00:00:00Z';

/** Touches no mount and waits for nobody. @param far by target, what the daemon says of far storage. */
export function inspectContainer(
  store: Store,
  record: ContainerRecord,
  far: ReadonlyMap<string, FarFacts> = new Map(),
) {
  const { status, state, pid, daemon } = statusOf(store, record);
  const { process } = record;
  const args = [...process.entrypoint, ...process.command];
  const home = `${realRoot(store)}/containers/${record.id}`;
  return {
    Id: record.id,
    Name: record.name,
    Created: record.createdAt,
    Path: args[0] ?? '',
    Args: args.slice(1),
    State: {
      Status: status,
      Running: status === 'running',
      Dead: status === 'dead',
      Pid: pid ?? 0,
      ExitCode: state?.exitCode ?? 0,
      Error: state?.error ?? '',
      StartedAt: state?.startedAt ?? NEVER,
      FinishedAt: state?.finishedAt ?? NEVER,
      DaemonPid: daemon?.pid ?? 0,
    },
    Image: record.image.id,
    ImageName: record.image.name,
    Platform: record.os,
    MountPoint: mountPointOf(store, record),
    LogPath: logPath(store, record),
    Layers: record.layers.map((hex) => layerTreePath(store, hex)),
    Upper: `${home}/upper`,
    Work: `${home}/work`,
    Mounts: record.mounts.map((mount) => ({
      ...inspectMount(store, mount),
      ...far.get(mount.request.target),
    })),
    HostConfig: {
      AutoRemove: record.autoRemove,
      Privileged: record.privileged,
      ReadonlyRootfs: record.readOnly,
    },
    Config: {
      Hostname: record.hostname,
      User: process.user,
      Tty: process.tty,
      OpenStdin: process.interactive,
      Env: process.environment,
      Cmd: process.command,
      Entrypoint: process.entrypoint,
      Image: record.image.name,
      WorkingDir: process.workingDirectory,
      Labels: record.labels,
      StopSignal: process.stopSignal,
    },
  };
}

function inspectTmpfs({ sizeBytes, mode }: TmpfsRequest) {
  return {
    ...(sizeBytes === undefined ? {} : { SizeBytes: sizeBytes }),
    ...(mode === undefined ? {} : { Mode: mode.toString(8).padStart(4, '0') }),
  };
}

function inspectMount(store: Store, { origin, request }: ContainerMount) {
  const isVolume = request.type === 'volume';
  const isLocal = isVolume && request.source !== undefined;
  return {
    Type: request.type,
    ...(isLocal ? { Name: request.source } : {}),
    Source: isLocal ? volumeDataPath(store, request.source) : (request.source ?? ''),
    Destination: request.target,
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
