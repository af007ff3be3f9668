/**
 * Every command of README.md and docs/guide is carried out as it stands there, in order, in a folder of its own for each page;
 * what it prints is compared where the page shows it. What cannot run here is listed with the reason.
 */

import { chmodSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { isCommand } from '../../src/cli/program.js';
import { DockerRegistry } from '../helpers/docker-registry.js';
import { comparable, documentedCommands } from '../helpers/documented-commands.js';
import { fillSystem } from '../helpers/images.js';
import { cliScript, Workbench } from './plyfs-run.js';

const repository = resolve(import.meta.dirname, '../..');
const guide = readdirSync(join(repository, 'docs/guide')).map((name) => `docs/guide/${name}`);
const pages = ['README.md', ...guide];

/** By their beginning. */
const notHere: readonly (readonly [beginning: string, reason: string])[] = [
  ['npm run demo', 'the last gate of .ci/run is it'],
  ['npm test', 'this is a test'],
  ['apt-get install', 'changes the machine'],
  ['plyfs ui', 'serves until it is ended: test/cli/page.long.test.ts'],
  ['npm pack', 'changes the machine; test/cli/package.long.test.ts does it elsewhere'],
  [
    'plyfs image copy debian:12',
    'a registry on the internet: test/cli/remote-images.long.test.ts has two of its own',
  ],
  ['plyfs image build -o out https://', 'a server of git: test/cli/build-sources.long.test.ts has one'],
  ['plyfs mount -l base --upper changes -v /net/media', 'a server of remote storage: test/remote has them'],
  ["plyfs inspect tree | jq -c '.mounts[] | {target, storage", 'the same'],
];

const benches: (Disposable | AsyncDisposable)[] = [];
afterAll(async () => {
  for (const bench of benches)
    await ((bench as AsyncDisposable)[Symbol.asyncDispose] ?? (bench as Disposable)[Symbol.dispose]).call(
      bench,
    );
});

/** A folder with what a page takes for granted; `plyfs` is the built command with a store there. */
class Page extends Workbench implements Disposable {
  constructor() {
    super('bin', 'tmp');
    this.program(
      'plyfs',
      `plain() { case " $* " in *" --root "*) true;; *) false;; esac; }
case "$1" in
  mounts | umount | why | doctor | inspect) ;;
  container | image | volume | snapshot | system) group=$1; command=$2; shift 2; set -- "$group" "$command" --root '${this.root}/store' "$@" ;;
  *) plain "$@" || { command=$1; shift; set -- "$command" --root '${this.root}/store' "$@"; } ;;
esac
exec '${process.execPath}' '${cliScript}' "$@"`,
    );
    // The other end of a pipe; what it gets is a whole archive.
    this.program('docker', 'tar -t >/dev/null');
    this.env.PATH = `${this.root}/bin:${process.env.PATH}`;
  }

  program(name: string, script: string): void {
    writeFileSync(join(this.root, 'bin', name), `#!/bin/sh\n${script}\n`);
    chmodSync(join(this.root, 'bin', name), 0o755);
  }

  /** A root file system as a tar. */
  tar(name: string, fill: (directory: string) => void): void {
    const directory = join(this.root, 'bin/root');
    mkdirSync(directory);
    fill(directory);
    this.shell(`tar -caf ${name} -C bin/root . && rm -r bin/root`);
  }

  shell(text: string) {
    return this.run('bash', '-c', text);
  }

  [Symbol.dispose](): void {
    this.shell('plyfs container ls -aq | xargs -r plyfs container rm -f');
    this.dispose();
  }
}

/** Without the mounts of others on this machine whose daemon is gone, which `plyfs mounts` lists too. */
function ownMounts(output: string): string {
  return output.replace(/^.* no daemon .*\n/gm, '');
}

function fillSystemWithData(directory: string): void {
  fillSystem(directory);
  mkdirSync(join(directory, 'data'));
  mkdirSync(join(directory, 'usr/share'), { recursive: true });
  writeFileSync(join(directory, 'data/seed'), 'from the image\n');
  writeFileSync(join(directory, 'etc/issue'), 'an image\n');
  writeFileSync(join(directory, 'bin/true'), '#!/bin/sh\n', { mode: 0o755 });
}

type Adapt = (text: string) => string;
const asItIs: Adapt = (text) => text;

/** What a page takes for granted. @returns how its commands are changed before they run. */
const prepare: Readonly<Record<string, (page: Page) => Adapt | Promise<Adapt>>> = {
  'docs/guide/containers.md': (page) => {
    page.tar('rootfs.tar', fillSystemWithData);
    return asItIs;
  },
  'docs/guide/snapshots.md': (page) => {
    page.tar('rootfs.tar', fillSystemWithData);
    return asItIs;
  },
  'docs/guide/mounts.md': (page) => {
    for (const name of ['app', 'base', 'changes', 'changes.work', 'tree']) mkdirSync(join(page.root, name));
    return asItIs;
  },
  'docs/guide/volumes.md': (page) => {
    for (const name of ['base', 'tree']) mkdirSync(join(page.root, name));
    return asItIs;
  },
  'docs/guide/images.md': async (page) => {
    const registry = await DockerRegistry.start(page.root);
    benches.unshift(registry);
    page.tar('rootfs.tar.gz', fillSystemWithData);
    page.shell(
      'plyfs image import rootfs.tar.gz app:1 && plyfs image save -o app.tar app:1 && plyfs image rm app:1',
    );
    page.tar('patches.tar.gz', (directory) => writeFileSync(join(directory, 'patch'), ''));
    for (const name of ['changes', 'tree', 'src']) mkdirSync(join(page.root, name));
    writeFileSync(join(page.root, 'src/Dockerfile'), 'FROM app:1\nCOPY file /\nRUN cat /file\n');
    writeFileSync(join(page.root, 'src/file'), '');
    return (text) => text.replaceAll('localhost:5000', registry.host);
  },
};

function sortedLines(text: string): string {
  return text.split('\n').sort().join('\n');
}

describe.each(pages)('%s', (path) => {
  const text = readFileSync(join(repository, path), 'utf8');

  it('does what it shows', { timeout: 300_000 }, async () => {
    const commands = documentedCommands(text);
    const here = commands.filter(
      (command) => !notHere.some(([beginning]) => command.text.startsWith(beginning)),
    );
    if (here.length === 0)
      return expect(commands.every(({ output }) => output !== undefined || path === 'README.md')).toBe(true);
    const page = new Page();
    benches.push(page);
    const adapted = (await prepare[path]?.(page)) ?? asItIs;
    for (const { line, text: command, output } of here) {
      const done = page.shell(adapted(command));
      const seen = {
        code: done.code,
        output: comparable(ownMounts(`${done.stdout}${done.stderr}`), page.root),
      };
      const fails = output !== undefined && /cannot|Read-only/.test(output);
      expect(fails || done.code === 0, `${path}:${line}: ${command}\n${done.stdout}${done.stderr}`).toBe(
        true,
      );
      if (output === undefined || output === '') continue;
      // On a terminal ls(1) writes columns.
      const inLine = command.includes('ls ') ? (shown: string) => shown.replace(/\s+/g, ' ') : asItIs;
      const expected = comparable(output, '/tmp/try');
      // Lists are sorted by name, and a name that is an id may come before another or after it.
      const ordered = expected.includes('ID') ? sortedLines : inLine;
      expect(ordered(seen.output), `${path}:${line}: ${command}`).toBe(ordered(expected));
    }
  });

  it('names commands that there are', () => {
    const named = [...text.matchAll(/`plyfs ([a-z][a-z-]*)/g)].map(([, word = '']) => word);
    expect(named.filter((word) => !isCommand(word))).toEqual([]);
  });
});

it('lists nothing as not to be run here that no page has', () => {
  const all = pages.flatMap((path) => documentedCommands(readFileSync(join(repository, path), 'utf8')));
  expect(notHere.filter(([beginning]) => !all.some(({ text }) => text.startsWith(beginning)))).toEqual([]);
});
