/**
 * Thousands of rounds of what bind-callers.test.ts tries some hundred times: in a sticky directory nobody removes, moves or replaces
 * what is another's, though the name was his own a moment ago. sticky-races.c is each of those who race.
 */

import { execFileSync, spawn } from 'node:child_process';
import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Workbench } from '../cli/plyfs-run.js';
import { projectRoot } from '../helpers/project-paths.js';
import { hasCompiler } from '../unit/linux/c-program.js';

const VICTIM = 1001;
const ATTACKER = 1002;
const ATTACKERS = 2;
const RACE_MS = 2_500;
/** However busy the machine is; on a quiet one some ten thousand. A round of `over` is five calls. */
const FEWEST: Readonly<Record<string, number>> = { unlink: 3_000, away: 3_000, over: 1_000 };
const LIMIT_MS = 120_000;

interface Counts {
  readonly rounds: number;
  readonly hits: number;
}

let bench: Workbench;
beforeAll(() => {
  bench = new Workbench('layer', 'share', 'mnt');
  chmodSync(bench.root, 0o755);
  execFileSync('cc', ['-O2', '-o', `${bench.root}/race`, `${projectRoot}/test/acceptance/sticky-races.c`]);
  const mounted = bench.plyfs('mount', '-l', 'layer', '-v', './share:/share', 'mnt');
  expect(mounted).toMatchObject({ code: 0, stderr: '' });
});
afterAll(() => {
  expect(bench.plyfs('umount', 'mnt')).toMatchObject({ code: 0 });
  bench.dispose();
});

function run(uid: number, role: string, cwd: string, other: string): Promise<Counts> {
  const words = [role, cwd, other, String(FEWEST[role] ?? 0), String(RACE_MS)];
  const child = spawn(`${bench.root}/race`, words, { uid, gid: uid, timeout: LIMIT_MS });
  let output = '';
  child.stdout.on('data', (chunk) => {
    output += chunk;
  });
  return new Promise((resolve, reject) => {
    child.on('close', (code) => {
      const [rounds = 0, hits = 0] = output.split(' ').map(Number);
      if (code === 0) resolve({ rounds, hits });
      else reject(new Error(`${role} ended with ${code}`));
    });
  });
}

/** @param attacker who attacks, and from where. */
async function race(role: string, attacker: { readonly uid: number; readonly at: string }) {
  const name = `${role}-${attacker.uid}`;
  const host = join(bench.root, 'share', name);
  mkdirSync(host);
  chmodSync(host, 0o1777);
  const others = [run(VICTIM, 'victim', host, 'over'), run(ATTACKER, 'swapper', host, 'over')];
  const attacks = Array.from({ length: ATTACKERS }, (_, number) =>
    run(attacker.uid, role, join(bench.root, attacker.at, name), String(number)),
  );
  const tried = await Promise.all(attacks).finally(() => writeFileSync(join(host, 'over'), ''));
  const [victim] = await Promise.all(others);
  return { victim: victim!, tried };
}

describe.skipIf(!hasCompiler())('in a sticky directory of a bind', () => {
  it.each(['unlink', 'away', 'over'])("%s takes nothing that is another's", {
    timeout: LIMIT_MS,
  }, async (role) => {
    const { victim, tried } = await race(role, { uid: ATTACKER, at: 'mnt/share' });
    expect(victim.hits).toBe(0);
    expect(victim.rounds).toBeGreaterThan(0);
    for (const { rounds, hits } of tried) {
      expect(rounds).toBeGreaterThanOrEqual(FEWEST[role]!);
      // What was his own he could take.
      expect(hits).toBeGreaterThan(0);
    }
  });

  it('root, who may, takes it, which shows that these tests see it', { timeout: LIMIT_MS }, async () => {
    const { victim } = await race('unlink', { uid: 0, at: 'share' });
    expect(victim.hits).toBeGreaterThan(0);
  });
});
