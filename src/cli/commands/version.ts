/**
 * `plyfs version`: of plyfs and of what it runs on. There is no server: the part of that name is the same program.
 */

import { machine, release } from 'node:os';
import { Command } from 'commander';
import { INSPECT_FORMAT_FLAG, type Inspected, printInspected } from '../inspect.js';
import { DEBUG_FLAG } from '../options.js';
import { print } from '../output.js';
import { attempt, type StoreFlags } from '../store-command.js';
import { version } from '../version.js';

const DETAILS = `
Keys: Client and Server, each with Version, NodeVersion, Os, Arch, KernelVersion.

Examples:
  plyfs version
  plyfs version --format '{{.Client.Version}}'`;

export function versionCommand(): Command {
  return new Command('version')
    .description('show the version of plyfs and what it runs on')
    .option(INSPECT_FORMAT_FLAG, "'text', 'json' or a template as '{{.Client.Version}}'", 'text')
    .option(DEBUG_FLAG, 'stack traces with errors')
    .addHelpText('after', DETAILS)
    .action((flags: StoreFlags & { readonly format: string }) =>
      attempt('version', flags, () => runVersion(flags.format)),
    );
}

function runVersion(format: string): void {
  const own = {
    Version: version(),
    NodeVersion: process.version,
    Os: 'linux',
    Arch: process.arch === 'x64' ? 'amd64' : process.arch,
    KernelVersion: release(),
  };
  const record: Inspected = { Client: own, Server: own };
  if (format === 'json') print(JSON.stringify(record));
  else if (format !== 'text') printInspected([record], format);
  else {
    const lines = Object.entries({ ...own, Machine: machine() });
    print(lines.map(([key, value]) => `${`${key}:`.padEnd(16)}${value}\n`).join(''));
  }
}
