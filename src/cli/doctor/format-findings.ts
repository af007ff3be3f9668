/** How findings are printed: a table for people, one JSON array for programs. Pure; each form ends with a newline. */

import { jsonText, shownLine } from '../print/output.js';
import type { DoctorFinding, Level } from './finding.js';

export type DoctorFormat = 'table' | 'json';

const LINE_WIDTH = 120;

const levelWords: Readonly<Record<Level, string>> = { ok: 'ok', warn: 'WARN', missing: 'MISSING' };

/** The whole output. */
export function formatFindings(findings: readonly DoctorFinding[], format: DoctorFormat): string {
  return format === 'json' ? `${jsonText(findings, 2)}\n` : formatTable(findings);
}

/** The cost stands on its own line below a finding that is not ok. */
function formatTable(findings: readonly DoctorFinding[]): string {
  const rows = [
    ['STATUS', 'NAME', 'DETAIL'],
    ...findings.map((f) => [levelWords[f.ok], f.name, shownLine(f.detail)]),
  ];
  const widths = [0, 1].map((column) => Math.max(...rows.map((row) => row[column]!.length)));
  const lines = rows.map(([status = '', name = '', detail = '']) => {
    const before = `${status.padEnd(widths[0]!)}  ${name.padEnd(widths[1]!)}  `;
    return hanging(before, detail);
  });
  const indent = ' '.repeat(widths[0]! + 2);
  const body = findings.flatMap((f, index) =>
    f.ok === 'ok' || f.cost === ''
      ? [lines[index + 1]!]
      : [lines[index + 1]!, hanging(`${indent}-> `, shownLine(f.cost))],
  );
  return `${[lines[0]!, ...body, '', summary(findings)].join('\n')}\n`;
}

/** The text behind its beginning, in lines that go on below each other; a word that is longer than a line is one. */
function hanging(before: string, text: string): string {
  const lines: string[] = [];
  let line = '';
  for (const word of text.split(' ')) {
    if (line !== '' && before.length + line.length + 1 + word.length > LINE_WIDTH) {
      lines.push(line);
      line = word;
    } else line = line === '' ? word : `${line} ${word}`;
  }
  return [...lines, line]
    .map((one, index) => (index === 0 ? before : ' '.repeat(before.length)) + one)
    .join('\n')
    .trimEnd();
}

function summary(findings: readonly DoctorFinding[]): string {
  const names = (level: Level) => findings.filter((f) => f.ok === level).map((f) => f.name);
  const missing = names('missing');
  if (missing.length > 0) return `plyfs cannot mount on this host: ${missing.join(', ')} missing`;
  const warned = names('warn').length;
  if (warned === 0) return 'plyfs can mount on this host';
  return `plyfs can mount on this host; ${warned} ${warned === 1 ? 'thing is' : 'things are'} less than it could be`;
}
