/**
 * What `plyfs doctor` says: one Finding for each thing that plyfs builds on.
 *
 * `missing` is kept for what no mount can do without; all that only costs speed or a feature is `warn`.
 */

export type Level = 'ok' | 'warn' | 'missing';

export interface DoctorFinding {
  /** Short and stable: scripts select by it. */
  readonly name: string;
  readonly ok: Level;
  /** The state found, one line. */
  readonly detail: string;
  /** What its absence costs, and what to do; empty when it costs nothing. */
  readonly cost: string;
}

/** The exit status of `plyfs doctor`: 1 when something required is missing. */
export function doctorExitCode(findings: readonly DoctorFinding[]): 0 | 1 {
  return findings.some((finding) => finding.ok === 'missing') ? 1 : 0;
}
