/** What root of a container cannot reach: the host's Node, disks by an image's device nodes, /proc through links. */

import { spawn, spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { addImage, fillSystem } from '../../helpers/images.js';
import { ContainerBench } from './bench.js';

let bench: ContainerBench;
beforeAll(() => {
  bench = new ContainerBench('host');
  bench.addImages();
});
afterAll(() => bench.dispose());

const ATTACK = `
const fs = require('fs');
const tries = [() => fs.chmodSync('/proc/self/exe', 0o4755), () => fs.chownSync('/proc/self/exe', 1, 1),
  () => fs.utimesSync('/proc/self/exe', 1, 1), () => fs.openSync('/proc/self/exe', 'r+')];
console.log(tries.map((attempt) => { try { attempt(); return 'done'; } catch (error) { return error.code; } }).join());
`;

/** Node's libraries, so that it runs in the box. */
function libraries(): string[] {
  const { stdout } = spawnSync('ldd', [process.execPath], { encoding: 'utf8' });
  return [...stdout.matchAll(/(\/\S+)/g)].flatMap(([path]) => ['-v', `${path}:${path}:ro`]);
}

describe('the program that enters', () => {
  it('cannot be changed by what it enters, in run and exec', () => {
    const { mode, uid, mtimeMs } = statSync(process.execPath);
    const attack = ['/proc/self/exe', '-e', ATTACK];
    expect(bench.get('run', '--rm', ...libraries(), 'box', ...attack)).toBe('EROFS,EROFS,EROFS,ETXTBSY');
    bench.get('run', '-d', '--name', 'live', ...libraries(), 'box', 'sleep', '60');
    expect(bench.get('exec', 'live', ...attack)).toBe('EROFS,EROFS,EROFS,ETXTBSY');
    bench.get('rm', '-f', 'live');
    const now = statSync(process.execPath);
    expect([now.mode, now.uid, now.mtimeMs]).toEqual([mode, uid, mtimeMs]);
  });

  it('leaves no node of the host’s whose mode could be changed', () => {
    const script = 'exec 2>&1; chmod 600 /proc/keys /proc/timer_list; ls -l /proc/keys';
    expect(bench.sh(script)).toMatch(/Read-only file system\n(?:.*\n)?crw-rw-rw-/);
    expect(statSync('/dev/null').mode & 0o777).toBe(0o666);
  });
});

describe('a device node of the image', () => {
  it('opens nothing', () => {
    addImage(bench.store.root, { name: 'nodes:latest', config: { Env: ['PATH=/bin'] } }, [
      fillSystem,
      (directory) => spawnSync('mknod', [`${directory}/zero`, 'c', '1', '5']),
    ]);
    expect(bench.do('run', '--rm', 'nodes', 'cat', '/zero').stderr).toMatch(/Permission denied/);
  });
});

describe('an image whose names are not what they must be', () => {
  const BROKEN: readonly (readonly [string, (directory: string) => void, RegExp])[] = [
    ['/proc', link('proc', '/tmp'), /the image's \/proc is not a directory; /],
    ['/dev', file('dev'), /the image's \/dev is not a directory; /],
    ['/sys', link('sys', 'etc'), /the image's \/sys is not a directory; /],
    [
      '/etc/hostname',
      (directory) => mkdirSync(`${directory}/etc/hostname`, { recursive: true }),
      /the image's \/etc\/hostname is a directory; /,
    ],
    ['/etc/hosts', link('etc/hosts', '/proc/version'), /the image's \/etc\/hosts leads into \/proc; /],
  ];

  it.each(BROKEN)('is refused in plain words: %s', (name, breakIt, message) => {
    const image = `broken${name.replaceAll('/', '-')}`;
    addImage(bench.store.root, { name: `${image}:latest` }, [fillSystem, breakIt]);
    const { code, stderr } = bench.do('run', '--rm', image, 'ls');
    expect(code).toBe(125);
    expect(stderr).toMatch(message);
  });

  function link(name: string, target: string) {
    return (directory: string) => {
      mkdirSync(dirname(`${directory}/${name}`), { recursive: true });
      symlinkSync(target, `${directory}/${name}`);
    };
  }

  function file(name: string) {
    return (directory: string) => writeFileSync(`${directory}/${name}`, '');
  }
});

/** Exchanges the mount points of /proc, /dev and /sys with a link and another directory, as quick as it can. */
const FLIP = `
chdir $ARGV[0] or die "$!\n"; symlink("other", "link"); mkdir "other";
my ($end, $flips) = (time + 8, 0);
while (time < $end) {
  for my $name ("proc", "dev", "sys") {
    for my $with ("link", "link", "other", "other") {
      my ($one, $two) = ($name, $with);
      $flips++ if syscall(${process.arch === 'arm64' ? 276 : 316}, -100, $one, -100, $two, 2) == 0;
    }
  }
}
print $flips;
`;

describe('names that change while a command enters', () => {
  it('never make what belongs to the host writable', async () => {
    const pattern = readFileSync('/proc/sys/kernel/core_pattern', 'utf8').trim();
    bench.get('create', '--name', 'flipping', 'box', 'sleep', '60');
    const root = bench.get('container', 'mount', 'flipping');
    const flip = spawn('perl', ['-e', FLIP, root]);
    let flips = '';
    flip.stdout.setEncoding('utf8').on('data', (chunk) => (flips += chunk));
    const script =
      'for at in /proc /other /link; do echo "$PATTERN" > $at/sys/kernel/core_pattern && echo written; done; exit 0';
    while (flip.exitCode === null) {
      // Refused, or entered: with what the names lead to at that time.
      const { stdout } = bench.do('exec', '-e', `PATTERN=${pattern}`, 'flipping', 'sh', '-c', script);
      expect(stdout).not.toMatch(/written/);
      await new Promise((resolve) => setImmediate(resolve));
    }
    expect(Number(flips)).toBeGreaterThan(1_000);
    bench.get('rm', '-f', 'flipping');
  }, 60_000);
});
