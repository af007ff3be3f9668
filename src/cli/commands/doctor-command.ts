/**
 * `plyfs doctor`: what this host offers to plyfs, and what is wrong in the store.
 */

import { Command, Option } from 'commander';
import type { DoctorFormat } from '../doctor/format-findings.js';
import { DEBUG_FLAG } from '../frame/common-options.js';
import { openStoreAsItIs, ROOT_FLAG, ROOT_TEXT } from '../frame/store-command.js';
import { fail, say } from '../print/output.js';

const DETAILS = `
Each thing that plyfs builds on is tried, as this user; for what is missing it says what that costs and what to do.
The store is looked through for mounts without a daemon, changes that were cut off, references to what is gone, things
without records. --fix mends that and says what it did; nothing that may be worth something is deleted, it is moved to
lost+found/ in the store. The exit status is 1 only when no mount can work, or when --fix could not mend something.

Examples:
  plyfs doctor
  plyfs doctor --fix
  plyfs doctor --format json`;

interface DoctorFlags {
  readonly format: DoctorFormat;
  readonly fix?: boolean;
  readonly root?: string;
  readonly debug?: boolean;
}

export function doctorCommand(): Command {
  return new Command('doctor')
    .description('check what this host offers, and the store')
    .addOption(
      new Option('--format <format>', 'form of the list').choices(['table', 'json']).default('table'),
    )
    .option('--fix', 'mend what is wrong in the store, and unmount what has no daemon')
    .option(ROOT_FLAG, ROOT_TEXT)
    .option(DEBUG_FLAG, 'stack traces with errors')
    .addHelpText('after', DETAILS)
    .action(runDoctorCommand);
}

async function runDoctorCommand(flags: DoctorFlags): Promise<void> {
  try {
    const { printDoctor, runDoctor } = await import('../doctor/run-doctor.js');
    const { doctorExitCode } = await import('../doctor/finding.js');
    const { checkStore, mendStore, storeFindings } = await import('../doctor/store/check-store.js');
    const store = await openStoreAsItIs(flags);
    const mended = flags.fix ? await mendStore(store) : [];
    for (const { problem, failed } of mended) {
      const outcome = failed === undefined ? 'done' : `failed: ${failed}`;
      say(`plyfs doctor: ${problem.what}: ${problem.remedy}: ${outcome}`);
    }
    const findings = [...(await runDoctor()), ...storeFindings(store, checkStore(store))];
    printDoctor(findings, flags.format);
    process.exitCode = mended.some(({ failed }) => failed !== undefined) ? 1 : doctorExitCode(findings);
  } catch (error) {
    fail('doctor', error, { debug: flags.debug === true });
  }
}
