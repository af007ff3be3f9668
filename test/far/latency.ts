/** Run as a program: stats and reads files over and over, prints the 99th percentile of a round in microseconds. */

import { readFileSync, statSync } from 'node:fs';

const [rounds, ...paths] = process.argv.slice(2);

const times: number[] = [];
for (let i = 0; i < Number(rounds); i++) {
  const started = process.hrtime.bigint();
  for (const path of paths) {
    statSync(path);
    readFileSync(path);
  }
  times.push(Number(process.hrtime.bigint() - started) / 1000);
}
times.sort((a, b) => a - b);
process.stdout.write(`${times[Math.floor(times.length * 0.99)]}\n`);
