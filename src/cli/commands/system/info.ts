/**
 * `plyfs system info`: what this plyfs is, where it keeps things, what it has.
 */

import { arch, release } from 'node:os';
import { Command } from 'commander';
import { INSPECT_FORMAT_FLAG, type Inspected, printInspected } from '../../inspect.js';
import { print } from '../../output.js';
import { addStoreOptions, attempt, openStore, type StoreFlags } from '../../store-command.js';
import { version } from '../../version.js';

const DETAILS = `
Keys: Version, NodeVersion, KernelVersion, Architecture, UserId, Root, RunRoot, Containers, ContainersRunning,
ContainersStopped, Images, Layers, Volumes, Mounts (of 'plyfs mount'), VolumeDrivers, Engines.

Examples:
  plyfs system info
  plyfs system info --format json
  plyfs system info --format '{{.Root}} {{.Containers}}'`;

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
  const { listRunStates, runRoot } = await import('../../../daemon/run-state.js');
  const { runningContainers } = await import('../../../daemon/store-users.js');
  const { listImages } = await import('../../../image/image-index.js');
  const { listContainers } = await import('../../../store/container-record.js');
  const { listVolumes } = await import('../../../store/volume-record.js');
  const store = await openStore(flags);
  const states = listRunStates(runRoot());
  const running = runningContainers(store.root, states);
  const containers = listContainers(store).map(({ id }) => id);
  const info: Inspected = {
    Version: version(),
    NodeVersion: process.version,
    KernelVersion: release(),
    Architecture: arch(),
    UserId: process.geteuid?.() ?? 0,
    Root: store.root,
    RunRoot: runRoot(),
    Containers: containers.length,
    ContainersRunning: containers.filter((id) => running.has(id)).length,
    ContainersStopped: containers.filter((id) => !running.has(id)).length,
    Images: listImages(store).length,
    Layers: store.names('layers').length,
    Volumes: listVolumes(store).length,
    Mounts: states.length - running.size,
    VolumeDrivers: ['local'],
    Engines: ['kernel', 'fuse-native'],
  };
  if (flags.format === 'json') print(JSON.stringify(info));
  else if (flags.format === 'text') print(asText(info));
  else printInspected([info], flags.format);
}

function asText(info: Inspected): string {
  const width = Math.max(...Object.keys(info).map((key) => key.length)) + 2;
  return Object.entries(info)
    .map(
      ([key, value]) =>
        `${`${key}:`.padEnd(width)}${Array.isArray(value) ? value.join(', ') : String(value)}\n`,
    )
    .join('');
}
