/**
 * `plyfs container inspect`: all that is known of containers, as JSON.
 */

import { Command } from 'commander';
import { formatInspect, INSPECT_FORMAT_FLAG, INSPECT_FORMAT_TEXT, type Inspected } from '../../inspect.js';
import { print } from '../../output.js';
import { addContainerOptions, attempt, type ContainerFlags, openStore } from './shared.js';

const DETAILS = `
A JSON array, one record for each container. Its keys are stable: Id, Name, Created, Path, Args, State {Status, Running,
Dead, Pid, ExitCode, Error, StartedAt, FinishedAt, DaemonPid}, Image, ImageName, Platform, MountPoint, LogPath, Layers,
Upper, Work, Mounts [{Type, Name, Source, Destination, RW, Origin, Subpath, Owners, TimeoutMs, Remote}], HostConfig
{AutoRemove, Privileged, ReadonlyRootfs}, Config {Hostname, User, Tty, OpenStdin, Env, Cmd, Entrypoint, Image,
WorkingDir, Labels, StopSignal}. While the container is mounted, Mounts on far storage also have Storage (its file
system type), Lacks [{Operation, Error}], Untried (why nothing could be tried) and Waiting {Requests, OldestMs}.

Examples:
  plyfs container inspect web
  plyfs container inspect --format '{{.MountPoint}}' web
  plyfs container inspect --format '{{.State.Status}} {{json .Mounts}}' web db
  plyfs container inspect --format '{{index .Config.Labels "tier"}}' web`;

interface InspectFlags extends ContainerFlags {
  readonly format?: string;
}

export function inspectCommand(): Command {
  const command = new Command('inspect')
    .description('show all that is known of containers')
    .argument('<container...>', 'names or ids')
    .option(INSPECT_FORMAT_FLAG, INSPECT_FORMAT_TEXT, 'json');
  return addContainerOptions(command).addHelpText('after', DETAILS).action(runInspect);
}

async function runInspect(texts: readonly string[], flags: InspectFlags): Promise<void> {
  const { farFacts } = await import('../../../container/far-facts.js');
  const { inspectContainer } = await import('../../../container/inspect.js');
  const { resolveContainer } = await import('../../../container/find.js');
  const store = await openStore(flags);
  const found: Inspected[] = [];
  for (const text of texts) {
    await attempt('container inspect', flags, async () => {
      const record = resolveContainer(store, text);
      found.push(inspectContainer(store, record, await farFacts(store, record)));
    });
  }
  await attempt('container inspect', flags, () => {
    print(formatInspect(found, flags.format));
  });
}
