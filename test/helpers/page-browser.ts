/** The page of `plyfs ui` in Debian's chromium, as a user has it. */

import { type ChildProcess, spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { type Browser, chromium, type Page } from 'playwright-core';

const CHROMIUM = '/usr/bin/chromium';
const LIMIT_MS = 60_000;

/** `plyfs ui`, until it is stopped. */
export class RunningPage {
  readonly process: ChildProcess;
  /** With the token. */
  readonly address: string;

  private constructor(process: ChildProcess, address: string) {
    this.process = process;
    this.address = address;
  }

  static async start(
    command: readonly string[],
    env: NodeJS.ProcessEnv,
    cwd = process.cwd(),
  ): Promise<RunningPage> {
    const child = spawn(process.execPath, command, { env, cwd, stdio: ['ignore', 'pipe', 'pipe'] });
    let said = '';
    child.stderr.on('data', (text) => {
      said += text;
    });
    const address = await new Promise<string>((resolve, reject) => {
      let text = '';
      child.stdout.on('data', (piece) => {
        text += piece;
        if (text.includes('\n')) resolve(text.trim());
      });
      child.on('exit', (status) => reject(new Error(`plyfs ui ended with ${status}: ${said}`)));
    });
    return new RunningPage(child, address);
  }

  get origin(): string {
    return new URL(this.address).origin;
  }

  get token(): string {
    return this.address.replace(/^.*token=/, '');
  }

  /** Ctrl-C. @returns the exit status. */
  stop(): Promise<number | null> {
    return new Promise((resolve) => {
      this.process.on('exit', resolve);
      this.process.kill('SIGINT');
    });
  }
}

export function launchChromium(): Promise<Browser> {
  // Where everything is root there is no sandbox to be had, and /dev/shm of a container is small.
  return chromium.launch({
    executablePath: CHROMIUM,
    args: ['--no-sandbox', '--disable-dev-shm-usage'],
    timeout: LIMIT_MS,
  });
}

interface Watched {
  /** The origin of the server: whatever else is asked for is an error. */
  readonly origin: string;
  readonly scheme: 'light' | 'dark';
  readonly width: number;
  readonly height: number;
  /** Gets what goes wrong in the page. */
  readonly errors: string[];
}

/** A window of its own, nothing in it yet; it counts a user's clicks in `data-clicks` of its body. */
export async function openWatched(
  browser: Browser,
  { origin, scheme, width, height, errors }: Watched,
): Promise<Page> {
  const context = await browser.newContext({ colorScheme: scheme, viewport: { width, height } });
  context.setDefaultTimeout(LIMIT_MS);
  const opened = await context.newPage();
  opened.on('pageerror', ({ message }) => errors.push(message));
  opened.on('console', (message) => {
    if (message.type() === 'error') errors.push(message.text());
  });
  opened.on('dialog', (dialog) => void dialog.dismiss().then(() => errors.push('a dialog')));
  opened.on('request', (request) => {
    const url = request.url();
    if (!url.startsWith(origin) && !url.startsWith('blob:')) errors.push(`a request to ${url}`);
  });
  await opened.addInitScript(() => {
    document.addEventListener(
      'click',
      ({ isTrusted }) => {
        if (isTrusted) document.body.dataset.clicks = String(Number(document.body.dataset.clicks ?? 0) + 1);
      },
      true,
    );
  });
  return opened;
}

/** In the page: tables that are cut, and the page where it is wider. */
export function widerThanWindow(): string[] {
  const isWider = (one: Element): boolean => one.getBoundingClientRect().right > innerWidth;
  const tables = [...document.querySelectorAll('table')].filter(isWider).map(({ innerText }) => innerText);
  return document.documentElement.scrollWidth > innerWidth ? ['the page', ...tables] : tables;
}

const axeSource = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

/** What axe finds in the page as it is, a line each. */
export async function accessibilityFindings(page: Page): Promise<string[]> {
  await page.evaluate(axeSource);
  return page.evaluate(async () => {
    const { axe } = globalThis as unknown as {
      axe: {
        run(): Promise<{ violations: { id: string; nodes: { html: string; failureSummary: string }[] }[] }>;
      };
    };
    const { violations } = await axe.run();
    return violations.flatMap(({ id, nodes }) =>
      nodes.map(
        ({ html, failureSummary }) => `${id}: ${html.slice(0, 200)}: ${failureSummary.slice(0, 300)}`,
      ),
    );
  });
}
