/**
 * `plyfs volume create`.
 */

import { Command } from 'commander';
import { UserError } from '../../../errno/user-error.js';
import { collectValues } from '../../frame/common-options.js';
import { refuseDockerOptions } from '../../frame/docker-options.js';
import { parseKeyValues } from '../../frame/key-values.js';
import { addStoreOptions, attempt, openStore, type StoreFlags } from '../../frame/store-command.js';
import { print } from '../../print/output.js';

const DETAILS = `
Prints the name. A volume that exists with the same options is left as it is; with other options it is an error. Without
a name the volume is anonymous: 64 hex digits, and 'plyfs volume prune' removes it when nobody uses it.

Options of the driver 'local':
  type=, device=, o=   another file system as the volume: what 'mount -t TYPE -o O DEVICE' takes. It is mounted at the first use,
                       once for all users, and unmounted with the last; needs root
  size=                a limit in bytes (k, m, g): an ext4 disk of that size, needs root; of a tmpfs its size
  timeout=, uidmap=, gidmap=, squash=, remote=
                       as in 'plyfs mount -v': for each mount of the volume that does not say otherwise

Examples:
  plyfs volume create data
  plyfs volume create --label app=shop --opt size=2g db
  plyfs volume create --opt type=nfs --opt device=server:/export --opt o=ro,nfsvers=4 shared
  plyfs volume create --opt type=fuse.sshfs --opt device=me@host:/srv --opt o=allow_other remote
  plyfs volume create --opt type=tmpfs --opt device=tmpfs --opt o=size=64m,mode=1777 scratch`;

interface CreateFlags extends StoreFlags {
  readonly name?: string;
  readonly driver?: string;
  readonly label?: readonly string[];
  readonly opt?: readonly string[];
}

export function volumeCreateCommand(): Command {
  const command = new Command('create')
    .description('make a volume')
    .argument('[volume]', 'its name; none: an anonymous volume')
    .option('--name <name>', 'the same as the argument')
    .option('-d, --driver <name>', "there is 'local'", 'local')
    .option('--label <key=value>', 'what is to be known of it (repeatable)', collectValues)
    .option('-o, --opt <key=value>', 'an option of the driver (repeatable)', collectValues);
  const cluster = 'there are no volumes of a cluster';
  refuseDockerOptions(command, {
    '--availability <value>': cluster,
    '--group <value>': cluster,
    '--scope <value>': cluster,
    '--sharing <value>': cluster,
    '--type <value>': `${cluster}; a file system is named by --opt type=`,
  });
  return addStoreOptions(command)
    .addHelpText('after', DETAILS)
    .action((name: string | undefined, flags: CreateFlags) =>
      attempt('volume create', flags, () => runCreate(nameOf(name, flags.name), flags)),
    );
}

function nameOf(argument: string | undefined, option: string | undefined): string | undefined {
  if (argument !== undefined && option) {
    throw new UserError('conflicting options: either specify --name or provide positional arg, not both');
  }
  // An empty name is none, as in Docker.
  return argument || option || undefined;
}

async function runCreate(name: string | undefined, flags: CreateFlags): Promise<void> {
  const { createVolume } = await import('../../../volume/create-volume.js');
  const { record } = createVolume(await openStore(flags), {
    name,
    driver: flags.driver,
    labels: parseKeyValues('label', flags.label),
    options: parseKeyValues('option', flags.opt),
  });
  print(record.name);
}
