/** The package as its users get it: packed, installed where there is neither compiler nor script, removed under a live mount; as a Debian package. */

import { execFileSync } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { addImage, fillSystem } from '../helpers/images.js';
import { projectRoot } from '../helpers/project-paths.js';
import { Workbench } from './plyfs-run.js';

const bench = new Workbench('pack', 'base', 'up', 'm', 'deb');
const prefix = join(bench.root, 'prefix');
const installed = join(prefix, 'lib/node_modules/plyfs');
let tgz = '';
let files: string[] = [];

function npm(...args: string[]): string {
  const common = ['--no-audit', '--no-fund', '--loglevel=error'];
  return execFileSync('npm', [...args, ...common], { cwd: projectRoot, encoding: 'utf8', timeout: 300_000 });
}

beforeAll(() => {
  execFileSync(process.execPath, ['dist/scripts/write-package-files.js'], { cwd: projectRoot });
  npm('pack', '--ignore-scripts', '--pack-destination', join(bench.root, 'pack'));
  tgz = join(bench.root, 'pack', readdirSync(join(bench.root, 'pack'))[0] ?? '');
  const listed = execFileSync('tar', ['-tzf', tgz], { encoding: 'utf8' });
  files = listed
    .trim()
    .split('\n')
    .map((path) => path.replace(/^package\//, ''));
  npm('install', '--global', '--ignore-scripts', '--prefix', prefix, tgz);
}, 400_000);
afterAll(() => bench.dispose());

describe('the package', () => {
  it('holds code, man pages, completions, and nothing of tests or maps', () => {
    for (const path of [
      'dist/bin/main.js',
      'dist/src/index.js',
      'dist/src/index.d.ts',
      'dist/man/plyfs-run.1',
      'dist/completions/zsh/_plyfs',
      'dist/docs/api.md',
      'dist/src/ui/page/page-main.js',
      'src/ui/page/page.html',
      'src/ui/page/page.css',
    ])
      expect(files).toContain(path);
    expect(files.filter((path) => /\.map$|(^|\/)test\/(?!README)|^dist\/scripts/.test(path))).toEqual([]);
  });

  it('holds what its documents link', () => {
    const dead = files
      .filter((path) => path.endsWith('.md'))
      .flatMap((path) => {
        const links = readFileSync(join(installed, path), 'utf8').matchAll(
          /\]\((?!https?:|#|mailto:)([^)#\s]+)/g,
        );
        return [...links].map(([, to = '']) => normalize(join(dirname(path), to)));
      })
      .filter((to) => !existsSync(join(installed, to)));
    expect(dead).toEqual([]);
  });

  it('shows its man page where npm has put it, and writes those of its commands', () => {
    expect(readFileSync(join(prefix, 'share/man/man1/plyfs.1'), 'utf8')).toContain('.SH EXAMPLES');
    expect(bench.run(join(prefix, 'bin/plyfs'), 'man-pages', 'pages').code).toBe(0);
    expect(readdirSync(join(bench.root, 'pages'))).toContain('plyfs-run.1');
  });
});

describe('installed', () => {
  const plyfs = (...args: string[]) => bench.run(join(prefix, 'bin/plyfs'), ...args);

  it('mounts, and the mount goes on when the package is removed', { timeout: 200_000 }, () => {
    writeFileSync(join(bench.root, 'base/big'), '');
    truncateSync(join(bench.root, 'base/big'), 300_000_000);
    writeFileSync(join(bench.root, 'base/small'), 'small');
    expect(plyfs('mount', '-l', 'base', '--upper', 'up', 'm')).toEqual({ code: 0, stdout: '', stderr: '' });
    const kept = `${installed}.kept`;
    execFileSync('mv', [installed, kept]);
    try {
      expect(bench.run('sh', '-c', 'echo end >>m/big && sync m/big && cat m/small && rm m/small')).toEqual({
        code: 0,
        stdout: 'small',
        stderr: '',
      });
      expect(statSync(join(bench.root, 'up/big')).size).toBe(300_000_004);
    } finally {
      execFileSync('mv', [kept, installed]);
    }
    expect(plyfs('umount', 'm').code).toBe(0);
  });

  it('is required and imported, and its API page names what is there', () => {
    const shown = bench.run(
      process.execPath,
      '-e',
      `console.log(Object.keys(require('${installed}')).join())`,
    );
    expect(shown).toMatchObject({ code: 0, stderr: '' });
    const page = readFileSync(join(installed, 'dist/docs/api.md'), 'utf8');
    for (const name of shown.stdout.trim().split(','))
      expect(page).toMatch(new RegExp(`^### ${name}\\b`, 'm'));
  });

  it('runs a command in a container', () => {
    const root = join(bench.root, 'store');
    addImage(root, { name: 'box:latest', config: {} }, [fillSystem]);
    const { code, stdout, stderr } = plyfs(
      'run',
      '--root',
      root,
      '--rm',
      'box',
      '/bin/sh',
      '-c',
      'echo in it',
    );
    expect({ code, stdout, stderr }).toEqual({ code: 0, stdout: 'in it\n', stderr: '' });
  });

  it('says in one line that the addon was left out, whatever is asked', () => {
    const addons = join(installed, 'node_modules/@koromix');
    execFileSync('mv', [addons, `${addons}.away`]);
    try {
      for (const words of [
        ['doctor'],
        ['volume', 'create', 'x'],
        ['mount', '-l', 'base', 'm'],
        ['run', 'x'],
      ]) {
        const { code, stdout, stderr } = plyfs(...words);
        expect([words[0] === 'run' ? [1, 125] : [1], stdout]).toEqual([expect.arrayContaining([code]), '']);
        expect(stderr).toMatch(
          /^plyfs.*(?:: |Z )the addon of koffi .*cannot be loaded: it is not installed.*\n$/,
        );
      }
    } finally {
      execFileSync('mv', [`${addons}.away`, addons]);
    }
  });
});

it('as a Debian package is installed, works, and leaves nothing when it is removed', {
  timeout: 600_000,
}, () => {
  // npm gets the packages, which takes a while on a busy machine.
  const limits = { cwd: bench.root, env: bench.env, timeout: 300_000, stdio: 'pipe' } as const;
  execFileSync(join(projectRoot, 'scripts/debian-package.sh'), [tgz, 'deb'], limits);
  const [name = ''] = readdirSync(join(bench.root, 'deb'));
  for (const directory of ['usr', 'usr-work', 'var', 'var-work'])
    mkdirSync(join(bench.root, 'layers', directory), { recursive: true });
  // The host's root, whose changes stay in this namespace. Node is there, though maybe not as Debian's package.
  const script = `set -e
    mount -t tmpfs tmpfs layers
    mkdir layers/usr layers/usr-work layers/var layers/var-work
    mount -t overlay overlay -o lowerdir=/usr,upperdir=layers/usr,workdir=layers/usr-work /usr
    mount -t overlay overlay -o lowerdir=/var/lib/dpkg,upperdir=layers/var,workdir=layers/var-work /var/lib/dpkg
    dpkg --force-depends -i deb/${name} >/dev/null 2>&1
    dpkg -L plyfs | grep -c completion
    /usr/bin/plyfs version | head -1
    /usr/bin/plyfs mount -l base m && cat m/big | wc -c && /usr/bin/plyfs umount m
    dpkg --force-depends -r plyfs >/dev/null 2>&1
    find layers/usr -name '*plyfs*' ! -type c`;
  const { stdout, stderr, code } = bench.run('unshare', '-m', 'sh', '-c', script);
  expect([code, stderr, stdout.split('\n').map((line) => line.replace(/ +/g, ' '))]).toEqual([
    0,
    '',
    [expect.stringMatching(/^[1-9]\d*$/), expect.stringMatching(/^Version: \d/), '300000000', ''],
  ]);
  rmSync(join(bench.root, 'deb', name));
});
