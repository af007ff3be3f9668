/**
 * Run as a program: stats and reads files over and over, and prints the 99th percentile of a round in microseconds, of
 * the best of some short rounds: other work on the machine makes single ones slow.
 */

import { readFileSync, statSync } from 'node:fs';

const [rounds, ...paths] = process.argv.slice(2);
const TURNS = 100;

function round(): number {
  const times: number[] = [];
  for (let i = 0; i < TURNS; i++) {
    const started = process.hrtime.bigint();
    for (const path of paths) {
      statSync(path);
      readFileSync(path);
    }
    times.push(Number(process.hrtime.bigint() - started) / 1000);
  }
  return times.sort((a, b) => a - b)[Math.floor(TURNS * 0.99) - 1]!;
}

process.stdout.write(`${Math.min(...Array.from({ length: Number(rounds) }, round))}\n`);
