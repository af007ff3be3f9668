/** The page of `plyfs ui` applies what was changed in a bind with `cow` of a mount, and says what has to be done before. */

import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { accessibilityFindings, launchChromium, openWatched, RunningPage } from '../helpers/page-browser.js';
import { ContainerBench } from './container/bench.js';
import { cliScript } from './plyfs-run.js';

test('what was changed through a mount is applied when it is unmounted, and taken back', async () => {
  const bench = new ContainerBench('base', 'mnt', 'up', 'work');
  const mnt = join(bench.root, 'mnt');
  const file = join(bench.root, 'work/new');
  const mount = ['-l', 'base', '--upper', 'up', '--root', bench.store.root, '-v', './work:/c:cow', 'mnt'];
  expect(bench.plyfs('mount', ...mount).code).toBe(0);
  writeFileSync(join(mnt, 'c/new'), 'new\n');
  const command = [cliScript, 'ui', '--root', bench.store.root, '--no-open', '--write'];
  const server = await RunningPage.start(command, { ...bench.env });
  const browser = await launchChromium();
  try {
    const errors: string[] = [];
    const { origin, address } = server;
    const page = await openWatched(browser, { origin, scheme: 'dark', width: 390, height: 844, errors });
    await page.goto(address);
    await page.click('nav[aria-label=Views] a:text-is("Live")');
    await page.waitForSelector(`td a:text-is("${mnt}")`);
    await page.click('nav[aria-label=Views] a:text-is("Drafts")');
    await page.click(`td a:text-is("${mnt}:/c")`);
    await page.waitForSelector(`code:text-is("plyfs umount ${mnt}")`);
    expect(await accessibilityFindings(page)).toEqual([]);
    expect(bench.plyfs('umount', 'mnt').code).toBe(0);
    await page.click('button:text-is("Apply what is chosen")');
    await page.waitForSelector('.done');
    expect(readFileSync(file, 'utf8')).toBe('new\n');
    await page.click('button:text-is("Undo the last apply")');
    await page.waitForSelector('.done:has-text("taken back")');
    await page.waitForSelector('.hunk');
    expect([existsSync(file), errors]).toEqual([false, []]);
  } finally {
    await browser.close();
    await server.stop();
    bench.plyfs('umount', 'mnt');
    bench.dispose();
  }
});
