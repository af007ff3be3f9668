/**
 * Options of Docker's `run` and `create` that cannot be had here, each with the reason, and those that ask for what is so
 * anyway or change nothing here.
 */

import { type Command, Option } from 'commander';
import { UserError } from '../../../../errno/user-error.js';

const NETWORK = "plyfs makes no networks: the command has the host's, or none";
const CGROUP = 'plyfs sets no such limit; systemd-run(1) does';

interface RefusedOption {
  readonly flags: string;
  readonly reason: string;
}

/** In the order of Docker's help. */
const REFUSED: readonly RefusedOption[] = [
  ...['-p, --publish <ports>', '-P, --publish-all'].map((flags) => ({
    flags,
    reason: "the command has the host's network: it listens there, no port is mapped",
  })),
  ...[
    '--ip <address>',
    '--ip6 <address>',
    '--link <container>',
    '--link-local-ip <address>',
    '--mac-address <address>',
  ].map((flags) => ({ flags, reason: NETWORK })),
  ...['--network-alias <name>', '--net-alias <name>'].map((flags) => ({ flags, reason: NETWORK })),
  ...[
    '--kernel-memory <bytes>',
    '--blkio-weight <weight>',
    '--cgroup-parent <path>',
    '--oom-kill-disable',
  ].map((flags) => ({ flags, reason: CGROUP })),
  ...[
    '--device-read-bps <limit>',
    '--device-write-bps <limit>',
    '--device-read-iops <limit>',
    '--device-write-iops <limit>',
  ].map((flags) => ({ flags, reason: CGROUP })),
  {
    flags: '--gpus <devices>',
    reason: 'there is no driver that would bring them in; give --device for each',
  },
  {
    flags: '--volume-driver <driver>',
    reason: "'volume create --driver local --opt' mounts what mount(8) can",
  },
];

/** What each option may say, as it is so anyway. */
const TAKEN: readonly {
  readonly flags: string;
  readonly values: readonly string[];
  readonly reason: string;
}[] = [
  {
    flags: '--restart <policy>',
    values: ['no', ''],
    reason: 'nobody would start it again; let systemd do that',
  },
  { flags: '--pid <mode>', values: ['', 'private'], reason: 'a container has a pid namespace of its own' },
  {
    flags: '--ipc <mode>',
    values: ['', 'private', 'shareable', 'none'],
    reason: 'a container has an ipc namespace of its own',
  },
  { flags: '--userns <mode>', values: ['', 'host'], reason: 'users in a container are those of the host' },
  { flags: '--uts <mode>', values: [''], reason: 'a container has a host name of its own' },
  { flags: '--cgroupns <mode>', values: ['', 'host', 'private'], reason: 'there is no such mode' },
  { flags: '--isolation <technology>', values: ['', 'default', 'process'], reason: 'this is Linux' },
  { flags: '--runtime <name>', values: ['', 'runc', 'plyfs'], reason: 'plyfs runs commands itself' },
];

const IGNORED = ['--annotation <annotation>', '--disable-content-trust', '-q, --quiet'];

export function addRefusedOptions(command: Command): Command {
  for (const { flags } of [...REFUSED, ...TAKEN]) command.addOption(new Option(flags).hideHelp());
  for (const flags of IGNORED) command.addOption(new Option(flags).hideHelp());
  return command;
}

/** @throws UserError for the first of them that asks for what cannot be had. */
export function refuseContainerOptions(flags: Readonly<Record<string, unknown>>): void {
  for (const { flags: text, reason } of REFUSED) {
    const option = new Option(text);
    if (flags[option.attributeName()] !== undefined)
      throw new UserError(`cannot take ${option.long}: ${reason}`);
  }
  for (const { flags: text, values, reason } of TAKEN) {
    const option = new Option(text);
    const value = flags[option.attributeName()];
    if (typeof value === 'string' && !values.includes(value))
      throw new UserError(`cannot take ${option.long} ${value}: ${reason}`);
  }
}
