/** Two outcomes of a case side by side, and what the table of differences says of it. */

import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Difference, Part } from './docker-differences.js';
import { normaliseMessages, normaliseOutput } from './normalise.js';
import type { Outcome } from './side.js';

interface Verdict {
  /** Lines for people; empty: the case passed. */
  readonly problem: string;
}

const PARTS: readonly Part[] = ['status', 'stdout', 'stderr'];

export function judge(
  [docker, plyfs]: readonly [docker: Outcome, plyfs: Outcome],
  known: readonly Difference[],
): Verdict {
  const problems: string[] = [];
  for (const part of PARTS) {
    const [left, right] = [formOf('docker', docker, part), formOf('plyfs', plyfs, part)];
    const isMeant = known.some(({ parts }) => parts.includes(part));
    if (left === right && isMeant)
      problems.push(`${part}: is the same now; take it out of docker-differences.ts\n`);
    if (left !== right && !isMeant) problems.push(`${part}:\n${textDiff(left, right)}`);
  }
  return { problem: problems.join('') };
}

/** What of an outcome is compared. */
function formOf(side: 'docker' | 'plyfs', outcome: Outcome, part: Part): string {
  if (part === 'status') return `${outcome.status ?? 'did not end'}\n`;
  return part === 'stdout' ? normaliseOutput(outcome.stdout) : normaliseMessages(side, outcome.stderr);
}

function textDiff(docker: string, plyfs: string): string {
  const directory = mkdtempSync(join(tmpdir(), 'plyfs-diff-'));
  try {
    const paths = { docker: join(directory, 'docker'), plyfs: join(directory, 'plyfs') };
    writeFileSync(paths.docker, docker);
    writeFileSync(paths.plyfs, plyfs);
    const labels = ['--label', 'docker', '--label', 'plyfs'];
    const { stdout } = spawnSync('diff', ['-u', ...labels, paths.docker, paths.plyfs], { encoding: 'utf8' });
    return stdout.split('\n').slice(2).join('\n');
  } finally {
    rmSync(directory, { recursive: true });
  }
}
