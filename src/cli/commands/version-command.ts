/**
 * `plyfs version`: of plyfs and of what it runs on. There is no server: the part of that name is the same program.
 */

import { machine, release } from 'node:os';
import { Command } from 'commander';
import { goArchitecture, version } from '../../daemon/config/plyfs-version.js';
import { DEBUG_FLAG } from '../frame/common-options.js';
import { attempt, type StoreFlags } from '../frame/store-command.js';
import { jsonText, print } from '../print/output.js';
import { INSPECT_FORMAT_FLAG, type InspectedRecord, printInspected } from '../print/print-inspected.js';

const DETAILS = `
Keys: Client and Server, each with Version, NodeVersion, Os, Arch, KernelVersion; and Docker's others, which are empty where
they have no meaning here (ApiVersion, GitCommit, GoVersion, BuildTime ...).

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
  const own = { Version: version(), NodeVersion: process.version, Os: 'linux', Arch: goArchitecture() };
  // There is no API, and no Go: Docker's keys are there for its templates.
  const docker = { ApiVersion: '', GitCommit: '', GoVersion: '', BuildTime: '' };
  const kernel = { KernelVersion: release() };
  const component = {
    Name: 'Engine',
    Version: version(),
    Details: { ...docker, ...kernel, Os: own.Os, Arch: own.Arch },
  };
  const record: InspectedRecord = {
    Client: { ...own, ...kernel, ...docker, DefaultAPIVersion: '', Context: 'default' },
    Server: {
      ...own,
      ...kernel,
      ...docker,
      Platform: { Name: 'plyfs' },
      Components: [component],
      MinAPIVersion: '',
      Experimental: false,
    },
  };
  if (format === 'json') print(jsonText(record));
  else if (format !== 'text') printInspected([record], format);
  else {
    const lines = Object.entries({ ...own, ...kernel, Machine: machine() });
    print(lines.map(([key, value]) => `${`${key}:`.padEnd(16)}${value}\n`).join(''));
  }
}
