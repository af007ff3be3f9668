/**
 * `plyfs doctor`: what this host offers, tried as this user, and what each missing thing costs.
 *
 * Exit status: `doctorExitCode()`, 0 unless something is missing that no mount can do without.
 */

import { printShown } from '../print/output.js';
import type { DoctorFinding } from './finding.js';
import { type DoctorFormat, formatFindings } from './format-findings.js';
import { gatherFacts } from './gather.js';
import { judgeFacts } from './judge.js';

/** Looks at the host; takes well under a second and leaves nothing behind. */
export async function runDoctor(): Promise<DoctorFinding[]> {
  return judgeFacts(await gatherFacts());
}

/** Prints the findings to standard output. */
export function printDoctor(findings: readonly DoctorFinding[], format: DoctorFormat): void {
  printShown(formatFindings(findings, format));
}
