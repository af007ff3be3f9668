/** `plyfs volume export` and `import`: there and back, and tars that must not get in. */

import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { cliScript, Workbench } from './plyfs-run.js';

let bench: Workbench;

beforeEach(() => {
  bench = new Workbench('state', 'x');
});

afterEach(() => bench.dispose());

function ok(command: string, ...args: string[]): string {
  const { code, stdout, stderr } = bench.plyfs('volume', command, '--root', 'state', ...args);
  expect([code, stderr]).toEqual([0, '']);
  return stdout;
}

function sh(script: string): string {
  const { code, stdout, stderr } = bench.run('sh', '-ec', script);
  expect([code, stderr]).toEqual([0, '']);
  return stdout;
}

const plyfs = `${process.execPath} ${cliScript}`;

/** Names, types, modes, owners, times, links, content and xattrs. */
function tree(directory: string): string {
  return sh(`cd ${directory}; find . -printf '%p %y %m %U:%G %n %T@ %l\\n' | sort; find . -type f | sort | xargs -d '\\n' md5sum
    getfattr -R -h -d -m - . | sort`);
}

describe('volume export and import', () => {
  it('bring a tree over as it is, by files and by pipes', () => {
    ok('create', 'data');
    sh(`cd state/volumes/data/_data; mkdir -p d/sub; echo 1 > d/f; ln d/f d/sub/g; ln -s ../f d/link; mkfifo p; mknod n c 1 3
      echo wh > .wh.ordinary; setfattr -n user.x -v y d/f; chown 3:4 d/f; chmod 4755 d/f; chmod 1777 .
      touch -d '2001-02-03 04:05:06.789' d/f d .`);
    ok('export', 'data', '-o', 'data.tar');
    expect(sh('tar -tf data.tar | head -3')).toBe('./\n.wh.ordinary\nd/\n');
    expect(ok('import', 'copy', 'data.tar', '--label', 'a=b')).toBe('copy\n');
    expect(tree('state/volumes/copy/_data')).toBe(tree('state/volumes/data/_data'));
    expect(ok('ls', '--format', '{{.Name}} {{.Labels}}')).toBe('copy a=b\ndata \n');
    ok('create', '--opt', 'size=4m', 'disk');
    sh(`${plyfs} volume export --root state data | gzip | ${plyfs} volume import --root state disk`);
    ok('clone', 'disk', 'again');
    expect(bench.mounted()).toEqual([]);
    sh(`${plyfs} volume export --root state again > again.tar`);
    sh('tar -C x -xpf again.tar --xattrs --xattrs-include=*');
    expect(tree('x')).toBe(tree('state/volumes/data/_data'));
  });

  it('refuse a volume that is not empty, and one that there is not', () => {
    ok('create', 'full');
    writeFileSync(join(bench.root, 'state/volumes/full/_data/f'), 'mine');
    sh('tar -C x -cf x.tar .');
    expect(bench.plyfs('volume', 'import', '--root', 'state', 'full', 'x.tar').stderr).toBe(
      "plyfs volume import: cannot import into volume 'full': it is not empty; import into a new volume, or an empty one\n",
    );
    expect(bench.plyfs('volume', 'export', '--root', 'state', 'none').stderr).toContain(
      "no such volume: 'none'",
    );
    expect(bench.plyfs('volume', 'import', '--root', 'state', 'new', 'none.tar').stderr).toContain(
      "cannot read 'none.tar'",
    );
    expect(readdirSync(join(bench.root, 'state/volumes'))).toEqual(['full']);
  });

  it('takes absolute names for names below its root', () => {
    sh('echo x > f; ln f g; tar -P -cf t.tar "$PWD/f" "$PWD/g"');
    expect(bench.plyfs('volume', 'import', '--root', 'state', 'abs', 't.tar').stderr).toBe('');
    const data = join(bench.root, 'state/volumes/abs/_data', bench.root);
    expect(readdirSync(data).sort()).toEqual(['f', 'g']);
  });

  it.each([
    [
      'a name that leads out',
      'echo x > evil; tar -P -cf t.tar --transform s,^,../../, evil',
      /leads out with '\.\.'/,
    ],
    [
      'a way through a symlink',
      'mkdir a b; ln -s /tmp a/l; mkdir b/l; echo x > b/l/evil; tar -C a -cf t.tar l; tar -C b -rf t.tar l/evil',
      /cannot unpack 'l\/evil'/,
    ],
    [
      'a tar that is cut off',
      'head -c 100000 /dev/urandom > big; tar -cf w.tar big; head -c 50000 w.tar > t.tar',
      /invalid tar/,
    ],
    ['what is no tar', 'head -c 5000 /dev/urandom > t.tar', /invalid tar|is not supported/],
  ])('refuse %s, and leave nothing', (_, make, message) => {
    sh(make);
    ok('create', 'empty');
    for (const name of ['new', 'empty']) {
      const { code, stderr } = bench.plyfs('volume', 'import', '--root', 'state', name, 't.tar');
      expect([code, stderr.trimEnd().split('\n').length]).toEqual([1, 1]);
      expect(stderr).toMatch(message);
    }
    expect(readdirSync(join(bench.root, 'state/volumes'))).toEqual(['empty']);
    expect(readdirSync(join(bench.root, 'state/volumes/empty/_data'))).toEqual([]);
    expect(existsSync(join(bench.root, 'state/volumes/empty/filling'))).toBe(false);
    expect(readdirSync(join(bench.root, 'state/trash'))).toEqual([]);
  });

  it('do not write to a terminal', () => {
    ok('create', 'data');
    const { stdout } = spawnSync(
      'script',
      ['-qec', `${plyfs} volume export --root state data`, '/dev/null'],
      {
        cwd: bench.root,
        encoding: 'utf8',
        timeout: 60_000,
      },
    );
    expect(stdout).toContain('an archive is not written to a terminal');
  });

  it('an import killed in the middle leaves nothing of a new volume, and an empty one empty', () => {
    ok('create', 'empty');
    mkdirSync(join(bench.root, 'x/d'));
    sh('echo 1 > x/d/f; tar -C x -cf x.tar .');
    for (const name of ['new', 'empty']) {
      let signal: string | null = 'SIGKILL';
      for (let step = 1; signal !== null && step < 30; step++) {
        ({ signal } = spawnSync(
          process.execPath,
          [cliScript, 'volume', 'import', '--root', 'state', name, 'x.tar'],
          {
            cwd: bench.root,
            env: { ...bench.env, PLYFS_TEST_KILL_AFTER: String(step) },
            timeout: 60_000,
          },
        ));
        ok('create', `${name}-${step}`);
        const names = readdirSync(join(bench.root, 'state/volumes')).filter((one) => one.startsWith('.'));
        if (signal !== null && existsSync(join(bench.root, `state/volumes/${name}/_data/d`))) {
          // Killed after the last step that counts.
          expect(existsSync(join(bench.root, `state/volumes/${name}/_data/d/f`))).toBe(true);
          if (!existsSync(join(bench.root, `state/volumes/${name}/filling`))) break;
        }
        expect(names).toEqual([]);
      }
      expect(sh(`${plyfs} volume export --root state ${name} | tar -t`)).toBe('./\nd/\nd/f\n');
    }
  }, 120_000);
});
