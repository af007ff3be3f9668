/** The page of `plyfs ui` from another machine: its port, or its socket, through `ssh -L` with another local port. */

import { type ChildProcess, spawn } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import type { Browser } from 'playwright-core';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { launchChromium, openWatched, RunningPage } from '../helpers/page-browser.js';
import { freePort, SshServer } from '../helpers/ssh-server.js';
import { ContainerBench } from './container/bench.js';
import { cliScript, untilIs } from './plyfs-run.js';

const LIMIT_MS = 60_000;
const POLL_MS = 50;

let bench: ContainerBench;
let browser: Browser;
let ssh: SshServer;
let page: RunningPage | undefined;
let tunnel: ChildProcess | undefined;

beforeAll(async () => {
  bench = new ContainerBench('ssh');
  ssh = await SshServer.start(join(bench.root, 'ssh'));
  browser = await launchChromium();
  bench.get('volume', 'create', 'db');
}, 120_000);

afterAll(async () => {
  await browser?.close();
  ssh?.stop();
  bench.dispose();
});

afterEach(async () => {
  tunnel?.kill();
  await page?.stop();
});

/** `ssh -L` to `remote`. @returns the local port, once it answers. */
async function forward(remote: string): Promise<number> {
  const port = await freePort();
  const options = ssh.options.flatMap((one) => ['-o', one]);
  const forwarded = ['-N', '-L', `${port}:${remote}`, ...options, 'root@127.0.0.1'];
  tunnel = spawn('ssh', ['-F', 'none', '-o', 'ExitOnForwardFailure=yes', ...forwarded], { stdio: 'ignore' });
  const deadline = Date.now() + LIMIT_MS;
  while (!(await isAnswered(port))) {
    if (Date.now() > deadline) throw new Error('nothing answers at the forwarded port');
    await pause(POLL_MS);
  }
  return port;
}

async function isAnswered(port: number): Promise<boolean> {
  try {
    return (await fetch(`http://127.0.0.1:${port}/`)).ok;
  } catch {
    return false;
  }
}

test.each([
  { how: 'its port', args: [] },
  { how: 'a socket', args: ['--socket', 'ui.sock'] },
])('the page is seen and changes volumes through $how', async ({ args }) => {
  const data = bench.get('volume', 'inspect', '--format', '{{.Mountpoint}}', 'db');
  const note = join(data, 'note.txt');
  writeFileSync(note, 'old\n');
  const command = [cliScript, 'ui', '--root', bench.store.root, '--no-open', '--write', ...args];
  page = await RunningPage.start(command, { ...bench.env }, bench.root);
  const isSocket = args.length > 0;
  const remote = isSocket ? join(bench.root, 'ui.sock') : new URL(page.address).host;
  const port = await forward(remote);
  const errors: string[] = [];
  const origin = `http://localhost:${port}`;
  const opened = await openWatched(browser, { origin, scheme: 'light', width: 1280, height: 800, errors });
  await opened.goto(`${origin}/#token=${page.token}`);
  await opened.click('nav[aria-label=Views] a:text-is("Volumes")');
  await opened.click('.volumes a:text-is("db"), a:text-is("db")');
  await opened.click('.row:has(.name:text-is("note.txt"))');
  await opened.click('button:text-is("Edit")');
  await opened.fill('textarea', 'new\n');
  await opened.click('button:text-is("Save")');
  await untilIs(() => readFileSync(note, 'utf8'), 'new\n');
  // Another page of the browser that knows the port has neither the host nor the origin.
  const asked = async (headers: Record<string, string>): Promise<number> => {
    const url = `${origin}/api/drafts?%7B%7D`;
    return (await fetch(url, { headers: { authorization: `Bearer ${page?.token}`, ...headers } })).status;
  };
  expect([await asked({}), await asked({ origin: 'http://localhost:1' })]).toEqual([200, 403]);
  expect(await asked({ authorization: 'Bearer no' })).toBe(401);
  await opened.context().close();
  expect(errors).toEqual([]);
});
