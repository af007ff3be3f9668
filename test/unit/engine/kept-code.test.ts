/** Threads that start when the package is gone: from kept code they do, without it their jobs fail and nobody waits for ever. */

import { spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, existsSync, mkdirSync, readdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { isBuiltin } from 'node:module';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { expect, it } from 'vitest';
import { THREAD_MEMORY } from '../../../src/daemon/session/early-thread.js';
import { readCode } from '../../../src/engine/threads/kept-code.js';
import { startKeptThread } from '../../../src/engine/threads/start-kept-thread.js';
import { distPath, projectRoot } from '../../helpers/project-paths.js';
import { tempDirectory } from '../linux/temp-directory.js';

const isCode = (path: string): boolean => !/\.(?:d\.ts|map)$/.test(path);

/** Modules that a helper thread is made of, beside the package's dependencies. */
function copyOfPackage(): string {
  const { path } = tempDirectory();
  mkdirSync(`${path}/src`);
  for (const module of ['engine', 'errno', 'linux', 'realfs', 'vfs'])
    cpSync(join(distPath('src'), module), `${path}/src/${module}`, { recursive: true, filter: isCode });
  symlinkSync(`${projectRoot}/node_modules`, `${path}/node_modules`);
  cpSync(`${projectRoot}/package.json`, `${path}/package.json`);
  return path;
}

/** Syncs `/` by a helper thread after the package was removed, and prints the results. */
function syncAfterRemoval(home: string, { isKept }: { readonly isKept: boolean }) {
  const program = `
    import { openSync, rmSync } from 'node:fs';
    import { JobRunner } from '${home}/src/engine/jobs/job-runner.js';
    import { JOB_WORKER } from '${home}/src/engine/jobs/job-slots.js';
    import { adoptCode, readCode } from '${home}/src/engine/threads/kept-code.js';
    import { eventfd, poll, PollSet } from '${home}/src/linux/io/poll.js';
    if (${isKept}) adoptCode(readCode([JOB_WORKER]));
    rmSync('${home}/src', { recursive: true });
    const wakeFd = eventfd(0, 0);
    const runner = new JobRunner(wakeFd);
    const results = [];
    // One after the other, by one thread: a second that still loads koffi at the end would take the process with it.
    while (results.length < 6) {
      const job = runner.start({ kind: 'fsync', fd: openSync('/dev/null'), dataOnly: true });
      while (!job.done) if (poll(new PollSet([wakeFd]), 60_000) > 0) runner.collect();
      results.push(job.result);
    }
    process.stdout.write(JSON.stringify(results));
    process.exit(0);`;
  return spawnSync(process.execPath, ['--input-type=module', '-e', program], {
    encoding: 'utf8',
    timeout: 60_000,
  });
}

it('starts a thread of a package that was removed', () => {
  const home = copyOfPackage();
  const { stdout, stderr } = syncAfterRemoval(home, { isKept: true });
  expect({ stdout, stderr, left: readdirSync(home).sort() }).toEqual({
    // EINVAL: /dev/null is on no disk.
    stdout: JSON.stringify(Array(6).fill(-22)),
    stderr: '',
    left: ['node_modules', 'package.json'],
  });
});

it('gives a thread the memory that it is to have', async () => {
  const entry = `${tempDirectory().path}/limits.js`;
  const lines = [
    "import { parentPort, resourceLimits } from 'node:worker_threads';",
    'parentPort.postMessage(resourceLimits);',
  ];
  writeFileSync(entry, lines.join('\n'));
  const worker = startKeptThread(pathToFileURL(entry), { workerData: {}, resourceLimits: THREAD_MEMORY });
  const [limits] = await once(worker, 'message');
  expect(limits).toMatchObject(THREAD_MEMORY);
  await worker.terminate();
});

it('fails the jobs of a thread that cannot start, each time, and says why in the log', () => {
  const { stdout, stderr } = syncAfterRemoval(copyOfPackage(), { isKept: false });
  expect(stdout).toBe(JSON.stringify(Array(6).fill(-5)));
  expect(stderr).toMatch(/^(?:\S+Z a thread cannot start: no such file or directory\n)+$/);
});

it.each(['session-worker', 'notify-worker', 'remote/remote-worker'])('keeps all of %s', (name) => {
  const { bytes, ranges } = readCode([pathToFileURL(distPath(`src/daemon/session/${name}.js`))]);
  const text = Buffer.from(bytes).toString('utf8');
  const names = [...text.matchAll(/^(?:import |(?:import|export)\b[^'"]*\bfrom )['"]([^'"]+)['"];$/gm)].map(
    ([, one]) => one,
  );
  const others = new Set(names.filter((one = '') => !one.startsWith('.') && !isBuiltin(one)));
  expect([...others]).toEqual(['koffi']);
  // Whatever is loaded at a later time would be loaded from the disk.
  expect(text).not.toContain('await import(');
  expect([...ranges.keys()].every((url) => existsSync(new URL(url)))).toBe(true);
});
