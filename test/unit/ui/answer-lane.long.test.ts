/** Threads that answer the page: they end by themselves, also while they load. */

import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { distPath } from '../../helpers/project-paths.js';
import { tempDirectory } from '../linux/temp-directory.js';

const lane = join(distPath('src'), 'ui/serve/answer-lane.js');

/** Runs a program that has lanes over an empty store: threads of a process that aborts would take the test's with them. */
function runWithLanes(body: string) {
  const { path } = tempDirectory();
  const program = join(path, 'program.mjs');
  const start = `import { AnswerLane } from '${lane}'; const made = (limitMs) => new AnswerLane('${path}', limitMs);`;
  writeFileSync(program, start + body);
  const { status, signal, stdout, stderr } = spawnSync(process.execPath, [program], {
    encoding: 'utf8',
    timeout: 60_000,
  });
  return { status, signal, stdout, stderr };
}

it('ends threads that load, and those that have answered', () => {
  const ended = runWithLanes(`
    const lanes = [made(60_000), made(60_000), made(60_000)];
    const reply = await lanes[0].ask('drafts', {});
    const rest = lanes.slice(1).map((one) => one.ask('drafts', {}).catch((error) => error.message));
    await Promise.all(lanes.map((one) => one.close()));
    console.log(JSON.stringify([reply, ...await Promise.all(rest)]));`);
  const closed = 'the page is no longer served';
  expect(ended).toEqual({
    ...{ status: 0, signal: null, stderr: '' },
    stdout: `${JSON.stringify([{ drafts: [] }, closed, closed])}\n`,
  });
});

it('leaves a thread behind that has not answered in time, and has a new one answer', () => {
  const ended = runWithLanes(`
    const hasty = made(0);
    console.log(await hasty.ask('drafts', {}).catch((error) => error.message));
    const patient = made(60_000);
    console.log(JSON.stringify(await patient.ask('drafts', {})));
    await patient.close();`);
  expect(ended).toEqual({ status: 0, signal: null, stderr: '', stdout: 'no answer in 0 s\n{"drafts":[]}\n' });
});
