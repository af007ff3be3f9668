/**
 * The layers of the demo, three folders stacked bottom first: `base` (a shell and libc), `app` (a program), `site` (a
 * few files of one's own that win over those below).
 *
 * They come from real Debian packages where apt works, else from the host's own programs: no layer is a mock-up.
 */

import { randomBytes } from 'node:crypto';
import { chmodSync, linkSync, mkdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { bash, wasInterrupted } from '../shell.js';

/** What the steps need of a layer set: how to call its shell, and a program of `app` with a word that it prints. */
export interface Layers {
  readonly from: string;
  readonly program: string;
  readonly prints: string;
}

const applets = [
  'sh',
  'ls',
  'cat',
  'echo',
  'id',
  'mkdir',
  'rm',
  'mv',
  'wc',
  'uname',
  'touch',
  'head',
  'sleep',
];
const packages = { base: ['busybox-static', 'libc6'], app: ['hello'] };

export async function makeLayers(folder: string): Promise<Layers> {
  const layers = await fromPackages(folder).catch((error: unknown) => {
    if (wasInterrupted()) throw error;
    return fromHost(folder);
  });
  const files: Record<string, string> = {
    'base/etc/motd': 'Welcome to the base layer\n',
    'base/etc/passwd': 'root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534:nobody:/:/bin/false\n',
    'base/etc/shells': '/bin/sh\n',
    'base/srv/readme.txt': 'files of the image\n',
    'base/srv/one': 'linked\n',
    'app/etc/app.d/default.conf': 'colour=blue\n',
    'site/etc/motd': 'Welcome to the site layer\n',
  };
  for (const [path, text] of Object.entries(files)) write(join(folder, path), text);
  writeFileSync(join(folder, 'base/srv/large'), randomBytes(8 << 20));
  linkSync(join(folder, 'base/srv/one'), join(folder, 'base/srv/two'));
  mkdirSync(join(folder, 'base/tmp'), { recursive: true });
  chmodSync(join(folder, 'base/tmp'), 0o1777);
  return layers;
}

async function fromPackages(folder: string): Promise<Layers> {
  for (const [layer, names] of Object.entries(packages)) {
    mkdirSync(join(folder, 'debs', layer), { recursive: true });
    await download(join(folder, 'debs', layer), names);
    const unpack = `for deb in debs/${layer}/*.deb; do dpkg-deb -x "$deb" ${layer}; done`;
    await bash(unpack, { cwd: folder, timeoutMs: 30_000 });
  }
  rmSync(join(folder, 'debs'), { recursive: true });
  for (const applet of applets) symlinkSync('busybox', join(folder, 'base/bin', applet));
  const from = `the Debian packages ${[...packages.base, ...packages.app].join(', ')}`;
  return { from, program: '/usr/bin/hello', prints: 'Hello' };
}

/** apt may know no packages yet, as on a fresh machine: then its lists are fetched once. */
async function download(folder: string, names: readonly string[]): Promise<void> {
  const options = '-qq -o APT::Sandbox::User=root -o Acquire::Retries=1 -o Acquire::http::Timeout=10';
  const get = `apt-get ${options} download ${names.join(' ')}`;
  await bash(`${get} 2>/dev/null || { apt-get ${options} update && ${get}; }`, {
    cwd: folder,
    timeoutMs: 60_000,
  });
}

/** The host's busybox, or its single programs with the libraries that they load. */
async function fromHost(folder: string): Promise<Layers> {
  for (const layer of ['debs', 'base', 'app']) rmSync(join(folder, layer), { recursive: true, force: true });
  mkdirSync(join(folder, 'base/bin'), { recursive: true });
  const script = `
    copy() { mkdir -p "base/$(dirname "$1")"; cp -L "$1" "base/$1"; }
    for name in ${applets.join(' ')}; do
      program=$(type -P "$name")
      cp -L "$program" "base/bin/$name"
      for library in $(ldd "$program" | grep -o '/[^ ]*'); do [ -e "base/$library" ] || copy "$library"; done
    done`;
  await bash(script, { cwd: folder, timeoutMs: 60_000 });
  write(join(folder, 'app/usr/bin/hello'), '#!/bin/sh\necho "Hello from the app layer"\n');
  chmodSync(join(folder, 'app/usr/bin/hello'), 0o755);
  return { from: "this host's own programs (apt is not usable)", program: '/usr/bin/hello', prints: 'Hello' };
}

function write(path: string, text: string): void {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, text);
}
