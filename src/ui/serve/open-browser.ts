/**
 * Opens the page in the user's browser, where there is a desktop.
 *
 * The address never stands on a command line, which all users of the host can read: the browser gets a file that only its user can
 * read, and that file leads on.
 */

import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { printableJson } from '../../errno/printable.js';

const KEEP_MS = 30_000;

export function openInBrowser(address: string): void {
  const { DISPLAY, WAYLAND_DISPLAY } = process.env;
  if (DISPLAY === undefined && WAYLAND_DISPLAY === undefined) return;
  const folder = mkdtempSync(join(tmpdir(), 'plyfs-ui-'));
  const file = join(folder, 'open.html');
  const place = printableJson(JSON.stringify(address));
  writeFileSync(file, `<!doctype html><title>plyfs</title><script>location.replace(${place})</script>\n`, {
    mode: 0o600,
  });
  const remove = (): void => rmSync(folder, { recursive: true, force: true });
  process.once('exit', remove);
  setTimeout(remove, KEEP_MS).unref();
  const opener = spawn('xdg-open', [file], { stdio: 'ignore', detached: true });
  // Without xdg-open the address that was printed is all.
  opener.on('error', () => undefined);
  opener.unref();
}
