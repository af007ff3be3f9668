/** The page of `plyfs ui` in a browser: a user's tasks, hostile names, many names, keys, contrast; and who gets nothing. */

import { execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Browser, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import {
  accessibilityFindings,
  launchChromium,
  openWatched,
  RunningPage,
  widerThanWindow,
} from '../helpers/page-browser.js';
import { addPageImages } from '../helpers/page-images.js';
import { ContainerBench } from './container/bench.js';
import { cliScript } from './plyfs-run.js';

const text = Array.from({ length: 40 }, (_, line) => `line ${line + 1}\n`).join('');

let bench: ContainerBench;
let browser: Browser;
let server: RunningPage;
let page: Page;
const errors: string[] = [];

beforeAll(async () => {
  bench = new ContainerBench('base', 'host', 'mnt', 'up', 'work');
  const { root } = bench.store;
  addPageImages(root);
  bench.get('volume', 'create', 'db');
  const data = bench.get('volume', 'inspect', '--format', '{{.Mountpoint}}', 'db');
  writeFileSync(join(data, 'hello.txt'), 'hello\n');
  writeFileSync(join(data, 'large'), Buffer.alloc(3_500_000, 'x'));
  writeFileSync(join(bench.root, 'work/text'), text);
  const mounts = [
    '-v',
    'db:/var/lib/db',
    '-v',
    'seeded:/usr/share',
    '-v',
    `${join(bench.root, 'work')}:/work:cow`,
  ];
  bench.get('create', '--name', 'web', ...mounts, 'shop:2', 'x');
  const seeded = bench.get('volume', 'inspect', '--format', '{{.Mountpoint}}', 'seeded');
  writeFileSync(join(seeded, 'doc/notes'), 'new\n');
  const view = bench.get('container', 'mount', 'web');
  writeFileSync(join(view, 'work/text'), text.replace('line 2\n', 'second\n').replace('line 30\n', 'late\n'));
  bench.get('container', 'umount', 'web');
  server = await RunningPage.start([cliScript, 'ui', '--root', root, '--no-open', 'shop:2'], bench.env);
  bench.plyfs('mount', '-l', 'base', '--upper', 'up', '--root', root, '-v', './host:/h:ro', 'mnt');
  spawnSync('bash', ['-c', 'echo x >mnt/h/new'], { cwd: bench.root });
  browser = await launchChromium();
  page = await open({});
}, 180_000);

afterAll(async () => {
  await browser?.close();
  await server?.stop();
  bench.plyfs('umount', 'mnt');
  bench.dispose();
});

interface Look {
  /** Another page than the one that only reads. */
  readonly from?: RunningPage;
  /** What tells that it has come. */
  readonly shown?: string;
  readonly scheme?: 'light' | 'dark';
  readonly width?: number;
  readonly height?: number;
}

async function open({
  from = server,
  shown = '.row',
  scheme = 'light',
  width = 1280,
  height = 800,
}: Look): Promise<Page> {
  const opened = await openWatched(browser, { origin: from.origin, scheme, width, height, errors });
  await opened.goto(from.address);
  await opened.waitForSelector(shown);
  return opened;
}

async function go(hash: string, shown: string): Promise<void> {
  await page.evaluate((to) => {
    location.hash = to;
  }, hash);
  await page.waitForSelector(shown);
}

function tab(name: string): Promise<void> {
  return page.click(`nav[aria-label=Views] a:text-is("${name}")`);
}

function row(name: string): Promise<void> {
  return page.click(`.row:has(.name:text-is(${JSON.stringify(name)}))`);
}

function textOf(selector: string): Promise<string> {
  return page.innerText(selector);
}

afterEach(() => expect(errors.splice(0)).toEqual([]));

describe('a user finds in three clicks', () => {
  beforeEach(() => page.evaluate(() => void delete document.body.dataset.clicks));
  afterEach(async () => {
    expect(await page.evaluate(() => Number(document.body.dataset.clicks ?? 0))).toBeLessThanOrEqual(3);
  });

  test('which layer shows a file, and the line of the history that made it', async () => {
    await go('#/tree/image:shop:2', '.row');
    await row('etc/');
    await row('os-release');
    await page.waitForSelector('.detail pre:has-text("ID=demo")');
    expect(await textOf('.detail .chain')).toMatch(/^1\s*shows\s*shop:2: ADD rootfs/);
  });

  test('which layer still holds the secret that a later one deletes, and what it is', async () => {
    await tab('Find');
    await page.fill('[name=pattern]', '.env');
    await page.click('button:text-is("Find")');
    await page.waitForSelector('.row .notes:text-is("deleted by layer 3")');
    await row('/srv/app/.env');
    await page.waitForSelector('.detail pre:has-text("SECRET=hunter2")');
    expect(await textOf('.detail .chain')).toContain('RUN rm /srv/app/.env');
    expect(new URL(page.url()).hash).toBe('#/tree/image:shop:2/srv/app/.env');
  });

  test('how much is wasted, and by which command', async () => {
    await tab('Space');
    await page.waitForSelector('h2:has-text("Efficiency")');
    expect(await textOf('[aria-label=Wasted]')).toMatch(/700 kB of 3\.\d MB wasted[\s\S]*RUN rm/);
  });

  test('what takes the space, directory by directory', async () => {
    await go('#/space/image:shop:2', '.box');
    await page.click('.box:has-text("usr/")');
    await page.click('.box:has-text("lib/")');
    await page.waitForSelector('.box:has-text("libc.so")');
    expect(await textOf('[aria-label=Space] h2')).toMatch(/^\/usr\/lib\/ 1\.4 MB/);
  });

  test('what is setuid', async () => {
    await tab('Find');
    await page.fill('[name=pattern]', '*');
    await page.check('[name=setid]');
    await page.click('button:text-is("Find")');
    await page.waitForSelector('.row .name:text-is("/usr/bin/su")');
    expect(await page.locator('.row').count()).toBe(1);
  });

  test('what differs between two images, to the line', async () => {
    await go('#/compare/image:shop:1', 'form');
    await page.selectOption('.form select >> nth=1', 'image:shop:2');
    await page.click('button:text-is("Compare")');
    await row('/srv/app/config.txt');
    await page.waitForSelector('.hunks');
    expect(await textOf('.hunks')).toContain('-two\n+2\n');
    expect(await textOf('.results')).toMatch(/D\s*\/srv\/app\/\.env/);
  });

  test('who uses a volume, and what is in it', async () => {
    await tab('Volumes');
    await page.waitForSelector('td:has-text("web at /var/lib/db")');
    await page.click('td a:text-is("db")');
    await row('hello.txt');
    await page.waitForSelector('.detail pre:has-text("hello")');
  });

  test('how large a volume is and was, and what became of what its image filled it with', async () => {
    await go('#/volumes', 'td');
    await page.click('td a:text-is("seeded")');
    await page.waitForSelector('.stack:has-text("in 2 files") .drift li:has-text("/doc/notes")');
    expect(await textOf('[aria-label=Volume]')).toMatch(
      /Filled from\s+\/usr\/share of shop:2[\s\S]*Size\s+120 kB in 2 files[\s\S]*A\s*\/doc\/notes/,
    );
    const { EarlierUsage: earlier } = JSON.parse(bench.get('volume', 'inspect', 'seeded'))[0];
    expect(earlier.length).toBeLessThan(2);
  });

  test('a file to keep, whole', async () => {
    await go('#/tree/volume:db/large', '.detail button');
    const [download] = await Promise.all([
      page.waitForEvent('download'),
      page.click('.detail button:text-is("Download")'),
    ]);
    expect(readFileSync(await download.path(), 'latin1')).toBe('x'.repeat(3_500_000));
    expect(download.suggestedFilename()).toBe('large');
  });

  test('what a layer has added, and what is mounted over it', async () => {
    await go('#/tree/container:web/var/', '.row:has-text("directory for a mount")');
    await row('lib/');
    await page.waitForSelector('.row:has-text("volume") .name:text-is("db")');
    await go('#/tree/container:web/srv/app/', '.row .name:text-is("bundle.js")');
    expect(await textOf('.mounts')).toContain('volume db');
    await page.click('.layer:has-text("COPY . /srv/app")');
    await page.waitForSelector('.layer[aria-current]');
    expect(new URL(page.url()).hash).toBe('#/tree/container:web/srv/app/?layer=2');
    await page.waitForSelector('.row:not(.dim) .name:text-is("bundle.js")');
  });

  test('what happens, as it happens', async () => {
    await tab('Live');
    await page.waitForSelector('.events li:has-text("web")');
    bench.get('volume', 'create', 'fresh');
    await page.waitForSelector('.events li:has-text("create fresh")');
  });

  test('what failed, why, and which process it was', async () => {
    await tab('Live');
    await page.waitForSelector('td:has-text("\'/h/new\' is ro through -v ./host:/h:ro")');
    expect(await textOf('[aria-label="What happened"]')).toMatch(
      /EROFS\s+\/h\/new[\s\S]*bash \(\d+\), CREATE/,
    );
    await page.waitForSelector('.events li:has-text("fail")');
  });
});

describe('with --write', () => {
  let writer: RunningPage;
  let reader: Page;
  const hostFile = (): string => readFileSync(join(bench.root, 'host/text'), 'utf8');

  beforeAll(async () => {
    writeFileSync(join(bench.root, 'host/text'), text);
    const script = "sed -i '2s/.*/second/; 30s/.*/late/' text; touch tool; chmod 4755 tool";
    bench.get('try', '-q', '--name', 'trial', '-C', join(bench.root, 'host'), 'bash', '-c', script);
    const args = ['ui', '--root', bench.store.root, '--no-open', '--write'];
    writer = await RunningPage.start([cliScript, ...args], bench.env);
    reader = page;
    page = await open({ from: writer, shown: 'main > *' });
  }, 60_000);

  afterAll(async () => {
    await page.context().close();
    page = reader;
    await writer.stop();
  });

  test('a volume is cloned, a file of it edited, another uploaded, the whole exported', async () => {
    await tab('Volumes');
    await page.selectOption('form select', 'db');
    await page.fill('[name=copy]', 'first');
    await page.click('button:text-is("Keep a snapshot")');
    await page.waitForSelector('.done');
    expect(bench.get('snapshot', 'ls', 'volume:db')).toMatch(/^first /m);
    await page.fill('[name=copy]', 'copy');
    await page.click('button:text-is("Clone")');
    await row('hello.txt');
    await page.click('button:text-is("Edit")');
    await page.fill('textarea', 'other\n');
    const file = join(bench.get('volume', 'inspect', '--format', '{{.Mountpoint}}', 'copy'), 'hello.txt');
    writeFileSync(file, 'of somebody else\n');
    await page.click('button:text-is("Save")');
    await page.waitForSelector('.error:has-text("somebody else has written it")');
    expect(await page.inputValue('textarea')).toBe('other\n');
    errors.splice(0);
    await page.click('button:text-is("Cancel")');
    await page.waitForSelector('pre:has-text("of somebody else")');
    await page.click('button:text-is("Edit")');
    await page.fill('textarea', 'other\n');
    await page.click('button:text-is("Save")');
    await page.waitForSelector('pre:has-text("other")');
    expect(readFileSync(file, 'utf8')).toBe('other\n');
    const buffer = Buffer.alloc(300_000, 'u');
    await page.setInputFiles('input[type=file]', { name: 'new name', mimeType: 'text/plain', buffer });
    await page.waitForSelector('.row .name:text-is("new name")');
    expect(readFileSync(join(file, '../new name')).equals(buffer)).toBe(true);
    await tab('Volumes');
    const [tar] = await Promise.all([
      page.waitForEvent('download'),
      page.click('tr:has-text("copy") button'),
    ]);
    const names = execFileSync('tar', ['-tf', await tar.path()], { encoding: 'utf8' });
    expect(names).toMatch(/hello\.txt[\s\S]*new name/);
  });

  test('of a draft one hunk is applied and one refused, and the apply is undone', async () => {
    await tab('Drafts');
    await page.click('td a:text-is("trial")');
    await page.waitForSelector('.hunk >> nth=1');
    expect(await textOf('.changes')).toMatch(/\/host\/tool[\s\S]*setuid/);
    expect(await page.isChecked('li:has-text("/host/tool") input')).toBe(false);
    expect(await accessibilityFindings(page)).toEqual([]);
    if (process.env.PLYFS_SCREENSHOTS !== undefined)
      await page.screenshot({ path: join(process.env.PLYFS_SCREENSHOTS, 'page-review-light-1280.png') });
    await page.uncheck('.hunk >> nth=1 >> input');
    await page.click('button:text-is("Apply what is chosen")');
    await page.waitForSelector('.done');
    expect(hostFile()).toBe(text.replace('line 2\n', 'second\n'));
    await page.click('button:text-is("Undo the last apply")');
    await page.waitForSelector('.done:has-text("taken back")');
    expect(hostFile()).toBe(text);
  });

  test('what a container has changed in a bind with cow is applied in part, and taken back', async () => {
    await tab('Drafts');
    await page.click('td a:text-is("web:/work")');
    await page.waitForSelector('.hunk >> nth=1');
    expect(await textOf('[aria-label=Drafts]')).toMatch(/web:\/work[\s\S]*container web\s+idle/);
    await page.uncheck('.hunk >> nth=0 >> input');
    await page.click('button:text-is("Apply what is chosen")');
    await page.waitForSelector('.done');
    const file = join(bench.root, 'work/text');
    expect(readFileSync(file, 'utf8')).toBe(text.replace('line 30\n', 'late\n'));
    await page.click('button:text-is("Undo the last apply")');
    await page.waitForSelector('.done:has-text("taken back")');
    expect(readFileSync(file, 'utf8')).toBe(text);
    await page.waitForSelector('.hunk >> nth=1');
  });

  test('nothing is changed but by the page itself, and by no page that only reads', async () => {
    const post = async (to: RunningPage, headers: Record<string, string>): Promise<[number, string]> => {
      const body = JSON.stringify({ volume: 'db', name: 'stolen' });
      const answer = await fetch(`${to.origin}/api/clone`, { method: 'POST', headers, body });
      return [answer.status, await answer.text()];
    };
    const known = { Authorization: `Bearer ${writer.token}` };
    expect((await post(writer, known))[0]).toBe(403);
    expect((await post(writer, { ...known, Origin: 'http://example.org' }))[0]).toBe(403);
    expect((await post(writer, { Origin: writer.origin }))[0]).toBe(401);
    const own = { Authorization: `Bearer ${server.token}`, Origin: server.origin };
    expect(await post(server, own)).toEqual([403, expect.stringContaining('plyfs ui --write')]);
    const get = await fetch(`${writer.origin}/api/clone?{"volume":"db","name":"stolen"}`, { headers: known });
    expect(get.status).toBe(400);
    expect(bench.get('volume', 'ls', '-q')).not.toContain('stolen');
  });
});

test('everything is reached by keys', async () => {
  await go('#/', 'h2:text-is("Images")');
  const press = (key: string): Promise<void> => page.keyboard.press(key);
  await go('#/tree/image:shop:2', '.row');
  await press('l');
  await press('End');
  await press('ArrowUp');
  await press('Enter');
  await page.waitForSelector('.row .name:text-is("lib/")');
  await press('l');
  await press('Enter');
  await page.waitForSelector('.row .name:text-is("shell")');
  await press('l');
  await press('Backspace');
  await page.waitForSelector('.row .name:text-is("lib/")');
  await press('3');
  await page.waitForSelector('.box');
  await press('/');
  await page.waitForSelector('[name=pattern]:focus');
  await page.keyboard.type('passwd');
  await press('Enter');
  await page.waitForSelector('.row .name:text-is("/etc/passwd")');
  await press('l');
  await press('?');
  await page.waitForSelector('dialog[open]');
  await press('Escape');
  await page.waitForSelector('dialog:not([open])', { state: 'attached' });
});

test('of 200,000 names those are made that are seen, and those are asked for', async () => {
  let asked = 0;
  page.on('request', (request) => {
    if (request.url().includes('/api/directory')) asked++;
  });
  await go('#/tree/image:many:1/many/', '.row .name:text-is("file-000001")');
  expect(await textOf('.count')).toBe('200,000 names');
  expect(await page.locator('.row').count()).toBeLessThan(80);
  await page.keyboard.press('l');
  await page.keyboard.press('End');
  await page.waitForSelector('.row[aria-selected=true] .name:text-is("file-200000")');
  expect(await page.locator('.row').count()).toBeLessThan(80);
  expect(asked).toBeLessThan(6);
  await go('#/tree/image:many:1/many/file-123456', '.detail h2:text-is("/many/file-123456")');
  page.removeAllListeners('request');
});

test('names that are markup, escapes and bytes are text, and nothing of them runs', async () => {
  await go('#/tree/image:hostile:1/d/', '.row .name:text-is("page.html")');
  const names = await page.locator('.row .name').allInnerTexts();
  for (const name of [
    '<img src=x onerror=window.ran=1>',
    'a\\nb',
    'esc\\e[31mred',
    'bad\\xff',
    '\\u{202e}ltr',
  ])
    expect(names).toContain(name);
  for (const [name, text] of [
    ['bad\\xff', '/d/bad\\xff'],
    ['<img src=x onerror=window.ran=1>', '/d/<img src=x onerror=window.ran=1>'],
    ['page.html', '/d/page.html'],
    ['fake.png', '/d/fake.png'],
    ['huge', '/d/huge'],
  ] as const) {
    await row(name);
    await page.waitForFunction((told) => document.querySelector('.detail h2')?.textContent === told, text);
    await page.waitForSelector('.preview .quiet:not(:text-is("Loading …"))');
  }
  expect(await textOf('.preview')).toMatch(/data, 4\.3 GB/);
  await go(`#/tree/image:hostile:1/d/${'deep/'.repeat(60)}`, '.count:text-is("0 names")');
  await go('#/tree/image:hostile:1/d/bad%FF', '.detail h2:text-is("/d/bad\\\\xff")');
  expect(await page.evaluate(() => 'ran' in window)).toBe(false);
});

test('what there is not is told, and that the server is gone', async () => {
  await go('#/tree/image:nothing', '.error >> nth=1');
  expect(await textOf('main')).toContain("no such image: 'nothing'");
  await page.route('**/api/overview*', (route) => route.abort());
  await go('#/volumes', '.error:has-text("the server is gone")');
  await page.unrouteAll();
  errors.splice(0);
});
const VIEWS: readonly (readonly [name: string, hash: string, shown: string])[] = [
  ['tree', '#/tree/image:shop:2/srv/app/.env', '.detail pre:has-text("SECRET")'],
  ['space', '#/space/image:shop:2', '.box'],
  ['find', '#/find/image:shop:2?pattern=*', '.row'],
  ['compare', '#/compare/image:shop:1?with=image:shop:2', '.row'],
  ['volumes', '#/volumes', 'td'],
  ['drafts', '#/drafts?draft=trial', '.hunk'],
  ['live', '#/live', 'td:has-text("EROFS")'],
  ['home', '#/', 'td'],
];

describe.each<Look>([
  { scheme: 'light', width: 1280, height: 800 },
  { scheme: 'dark', width: 390, height: 844 },
])('$scheme, $width wide', (look) => {
  test('axe finds nothing, and nothing is wider than the window', async () => {
    const before = page;
    page = await open(look);
    const folder = process.env.PLYFS_SCREENSHOTS;
    if (folder !== undefined) mkdirSync(folder, { recursive: true });
    for (const [name, hash, shown] of VIEWS) {
      await go(hash, shown);
      expect(await accessibilityFindings(page)).toEqual([]);
      expect(await page.evaluate(widerThanWindow)).toEqual([]);
      if (folder !== undefined)
        await page.screenshot({ path: join(folder, `page-${name}-${look.scheme}-${look.width}.png`) });
    }
    await page.context().close();
    page = before;
  });
});

describe('who has not the token', () => {
  interface Try {
    readonly path: string;
    readonly headers?: Readonly<Record<string, string>>;
    readonly method?: string;
  }

  /** As another user of the host. @returns the statuses. */
  function asOther(tries: readonly Try[]): number[] {
    const script = `const statuses = [];
      for (const { path, ...init } of JSON.parse(process.argv[2])) {
        const answer = await fetch(process.argv[1] + path, init);
        const text = await answer.text();
        if (text.includes('shop')) throw new Error(path + ' tells ' + text);
        statuses.push(answer.status);
      }
      console.log(JSON.stringify(statuses));`;
    const args = ['--input-type=module', '-e', script, server.origin, JSON.stringify(tries)];
    const other = { uid: 65534, gid: 65534, encoding: 'utf8', cwd: '/' } as const;
    return JSON.parse(spawnSync(process.execPath, args, other).stdout) as number[];
  }

  test('gets nothing of this user, nor by another name of the host, nor from another page', () => {
    const path = '/api/overview';
    const known = { Authorization: `Bearer ${server.token}` };
    const statuses = asOther([
      { path },
      { path: '/api/events' },
      { path, headers: { Authorization: `Bearer ${'0'.repeat(64)}` } },
      { path: '/download/00/file' },
      { path: '/../../../etc/passwd' },
      { path: '/', method: 'POST' },
      { path: '/', method: 'PUT' },
      { path, headers: { ...known, Origin: 'http://example.org' } },
      { path, headers: { ...known, 'Sec-Fetch-Site': 'cross-site' } },
    ]);
    expect(statuses).toEqual([401, 401, 401, 400, 404, 403, 405, 403, 403]);
    const cmdline = readFileSync(`/proc/${server.process.pid}/cmdline`, 'latin1');
    expect(cmdline).not.toContain(server.token);
  });

  test('does not reach the socket, which goes with the command', async () => {
    const path = join(bench.root, 'page.sock');
    const own = await RunningPage.start(
      [cliScript, 'ui', '--root', bench.store.root, '--socket', path],
      bench.env,
    );
    expect(statSync(path).mode & 0o777).toBe(0o600);
    expect(await own.stop()).toBe(0);
    expect(statSync(path, { throwIfNoEntry: false })).toBeUndefined();
  });
});
