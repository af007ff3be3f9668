/**
 * `plyfs doctor`: what this host offers to plyfs.
 */

import { Command, Option } from 'commander';
import type { DoctorFormat } from '../doctor/format.js';
import { DEBUG_FLAG } from '../options.js';
import { fail } from '../output.js';

const DETAILS = `
Each thing that plyfs builds on is tried, as this user; for what is missing it says what that costs and what to do.
The exit status is 1 only when no mount can work.

Examples:
  plyfs doctor
  plyfs doctor --format json`;

interface DoctorFlags {
  readonly format: DoctorFormat;
  readonly debug?: boolean;
}

export function doctorCommand(): Command {
  return new Command('doctor')
    .description('check what this host offers')
    .addOption(
      new Option('--format <format>', 'form of the list').choices(['table', 'json']).default('table'),
    )
    .option(DEBUG_FLAG, 'stack traces with errors')
    .addHelpText('after', DETAILS)
    .action(runDoctorCommand);
}

async function runDoctorCommand(flags: DoctorFlags): Promise<void> {
  try {
    const { printDoctor, runDoctor } = await import('../doctor/doctor.js');
    const { doctorExitCode } = await import('../doctor/finding.js');
    const findings = await runDoctor();
    printDoctor(findings, flags.format);
    process.exitCode = doctorExitCode(findings);
  } catch (error) {
    fail('doctor', error, flags.debug === true);
  }
}
