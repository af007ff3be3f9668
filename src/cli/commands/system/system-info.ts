/**
 * `plyfs system info`: what this plyfs is, where it keeps things, what it has.
 */

import { Command } from 'commander';
import { goArchitecture, version } from '../../../daemon/config/plyfs-version.js';
import { addStoreOptions, attempt, openStore, type StoreFlags } from '../../frame/store-command.js';
import { jsonText, print, printShown, shown } from '../../print/output.js';
import { INSPECT_FORMAT_FLAG, type InspectedRecord, printInspected } from '../../print/print-inspected.js';

const DETAILS = `
Keys: those of 'docker info' (ID, Containers, ContainersRunning, Images, Driver, Plugins, NCPU, MemTotal, KernelVersion,
OperatingSystem, Architecture, ServerVersion, DockerRootDir, Name, CgroupVersion, SecurityOptions, ClientInfo ...), and Version,
NodeVersion, UserId, Root, RunRoot, Layers, Volumes, Mounts (of 'plyfs mount'), VolumeDrivers, Engines.

Examples:
  plyfs system info
  plyfs system info --format json
  plyfs system info --format '{{.DockerRootDir}} {{.Containers}}'`;

interface InfoFlags extends StoreFlags {
  readonly format: string;
}

export function systemInfoCommand(name: 'info' | 'system info'): Command {
  const command = new Command('info')
    .description('show where things are kept and how many there are')
    .option(INSPECT_FORMAT_FLAG, "'text', 'json' or a template as '{{.Root}}'", 'text');
  return addStoreOptions(command)
    .addHelpText('after', DETAILS)
    .action((flags: InfoFlags) => attempt(name, flags, () => runInfo(flags)));
}

async function runInfo(flags: InfoFlags): Promise<void> {
  const { listRunStates, runRoot } = await import('../../../daemon/run-directory/run-state.js');
  const { runningContainers } = await import('../../../daemon/run-directory/store-users.js');
  const { listImages } = await import('../../../image/catalog/image-index.js');
  const { listContainers } = await import('../../../store/container-record.js');
  const { listVolumes } = await import('../../../store/volume-record.js');
  const store = await openStore(flags);
  const states = listRunStates(runRoot());
  const running = runningContainers(store.root, states);
  const containers = listContainers(store).map(({ id }) => id);
  const { hostFacts } = await import('../../system/host-facts.js');
  const { ID, ...facts } = hostFacts(store.root);
  const info: InspectedRecord = {
    ID,
    Containers: containers.length,
    ContainersRunning: containers.filter((id) => running.has(id)).length,
    ContainersPaused: 0,
    ContainersStopped: containers.filter((id) => !running.has(id)).length,
    Images: listImages(store).length,
    ...facts,
    ServerVersion: version(),
    ClientInfo: {
      Debug: flags.debug === true,
      Version: version(),
      Os: 'linux',
      Arch: goArchitecture(),
      Context: 'default',
      Plugins: [],
      Warnings: null,
    },
    Version: version(),
    NodeVersion: process.version,
    UserId: process.geteuid?.() ?? 0,
    Root: store.root,
    RunRoot: runRoot(),
    Layers: store.names('layers').length,
    Volumes: listVolumes(store).length,
    Mounts: states.length - running.size,
    VolumeDrivers: ['local'],
    Engines: ['kernel', 'fuse-native'],
  };
  if (flags.format === 'json') printShown(jsonText(info));
  else if (flags.format === 'text') print(asText(info));
  else printInspected([info], flags.format);
}

/** Docker's lines, with its names and indentation, for who searches them; then ours. */
function asText(info: InspectedRecord): string {
  const { Version, Plugins, ...rest } = info as InspectedRecord & {
    readonly Plugins: Readonly<Record<string, readonly string[] | null>>;
  };
  const words = (key: string) => (rest[key] as readonly string[]).join(' ');
  const lines: readonly (readonly [label: string, value: unknown])[] = [
    ['Client', ''],
    [' Version', Version],
    [' Context', 'default'],
    [' Debug Mode', false],
    ['\nServer', ''],
    [' Containers', rest.Containers],
    ['  Running', rest.ContainersRunning],
    ['  Paused', rest.ContainersPaused],
    ['  Stopped', rest.ContainersStopped],
    [' Images', rest.Images],
    [' Server Version', Version],
    [' Storage Driver', rest.Driver],
    [' Logging Driver', rest.LoggingDriver],
    [' Cgroup Driver', rest.CgroupDriver],
    [' Cgroup Version', rest.CgroupVersion],
    [' Plugins', ''],
    ['  Volume', Plugins.Volume?.join(' ')],
    ['  Network', Plugins.Network?.join(' ')],
    ['  Log', Plugins.Log?.join(' ')],
    [' Swarm', 'inactive'],
    [' Runtimes', rest.DefaultRuntime],
    [' Default Runtime', rest.DefaultRuntime],
    [' Security Options', words('SecurityOptions').replaceAll('name=', '')],
    [' Kernel Version', rest.KernelVersion],
    [' Operating System', rest.OperatingSystem],
    [' OSType', rest.OSType],
    [' Architecture', rest.Architecture],
    [' CPUs', rest.NCPU],
    [' Total Memory', binarySize(Number(rest.MemTotal))],
    [' Name', rest.Name],
    [' ID', rest.ID],
    [' Docker Root Dir', rest.DockerRootDir],
    ...proxyLines(rest),
    [' Debug Mode', false],
    [' Experimental', false],
    [' Live Restore Enabled', rest.LiveRestoreEnabled],
    ['\nplyfs', ''],
    [' Node Version', rest.NodeVersion],
    [' User Id', rest.UserId],
    [' Run Root', rest.RunRoot],
    [' Layers', rest.Layers],
    [' Volumes', rest.Volumes],
    [' Mounts', rest.Mounts],
    [' Engines', words('Engines')],
  ];
  return lines
    .map(([label, value]) => `${label}:${value === '' ? '' : ` ${shown(String(value))}`}\n`)
    .join('');
}

/** Docker shows those that there are. */
function proxyLines(info: InspectedRecord): (readonly [label: string, value: unknown])[] {
  const named = [
    [' HTTP Proxy', info.HttpProxy],
    [' HTTPS Proxy', info.HttpsProxy],
    [' No Proxy', info.NoProxy],
  ] as const;
  return named.filter(([, value]) => value !== '');
}

/** As Docker has it: `23.54GiB`. */
function binarySize(bytes: number): string {
  const power = Math.min(Math.floor(Math.log2(Math.max(bytes, 1)) / 10), 4);
  return `${Number((bytes / 1024 ** power).toPrecision(4))}${['B', 'KiB', 'MiB', 'GiB', 'TiB'][power]}`;
}
