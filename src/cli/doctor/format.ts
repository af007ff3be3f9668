/** How findings are printed: a table for people, one JSON array for programs. Pure; each form ends with a newline. */

import type { Finding, Level } from './finding.js';

export type DoctorFormat = 'table' | 'json';

const levelWords: Readonly<Record<Level, string>> = { ok: 'ok', warn: 'WARN', missing: 'MISSING' };

/** The whole output. */
export function formatFindings(findings: readonly Finding[], format: DoctorFormat): string {
  return format === 'json' ? `${JSON.stringify(findings, null, 2)}\n` : formatTable(findings);
}

/** The cost stands on its own line below a finding that is not ok, where lines of any length stay readable. */
function formatTable(findings: readonly Finding[]): string {
  const rows = [['STATUS', 'NAME', 'DETAIL'], ...findings.map((f) => [levelWords[f.ok], f.name, f.detail])];
  const widths = [0, 1].map((column) => Math.max(...rows.map((row) => row[column]!.length)));
  const lines = rows.map(([status = '', name = '', detail = '']) =>
    `${status.padEnd(widths[0]!)}  ${name.padEnd(widths[1]!)}  ${detail}`.trimEnd(),
  );
  const indent = ' '.repeat(widths[0]! + 2);
  const body = findings.flatMap((f, index) =>
    f.ok === 'ok' || f.cost === '' ? [lines[index + 1]!] : [lines[index + 1]!, `${indent}-> ${f.cost}`],
  );
  return `${[lines[0]!, ...body, '', summary(findings)].join('\n')}\n`;
}

function summary(findings: readonly Finding[]): string {
  const names = (level: Level) => findings.filter((f) => f.ok === level).map((f) => f.name);
  const missing = names('missing');
  if (missing.length > 0) return `plyfs cannot mount on this host: ${missing.join(', ')} missing`;
  const warned = names('warn').length;
  if (warned === 0) return 'plyfs can mount on this host';
  return `plyfs can mount on this host; ${warned} ${warned === 1 ? 'thing is' : 'things are'} less than it could be`;
}
