/**
 * `cp`, `diff`, `commit` and `export`: Docker's rules for what a copy is called, what counts as a change, and what is in
 * an image made of a container.
 */

import { mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { cliScript } from '../plyfs-run.js';
import { ContainerBench } from './bench.js';

let bench: ContainerBench;
let merged: string;
beforeAll(() => {
  bench = new ContainerBench('host/tree/sub');
  bench.addImages();
  writeFileSync(`${bench.root}/host/file`, 'new');
  writeFileSync(`${bench.root}/host/tree/a`, 'A', { mode: 0o640 });
  symlinkSync('/etc/passwd', `${bench.root}/host/tree/link`);
  bench.get('container', 'create', '--name', 'box', '-v', 'vol:/vol', 'box');
  merged = bench.get('container', 'mount', 'box');
});
afterAll(() => bench.dispose());

const inside = (script: string) => bench.run('sh', '-c', `cd ${merged} && ${script}`).stdout;

describe('plyfs cp into a container', () => {
  test.each([
    ['a file under a new name', 'file', '/new', 'cat new', 'new'],
    ['a file over a file', 'file', '/etc/issue', 'cat etc/issue', 'new'],
    ['a file into a directory', 'file', '/tmp', 'cat tmp/file', 'new'],
    ['a directory under a new name', 'tree', '/copy', 'ls copy', 'a\nlink\nsub\n'],
    ['a directory into a directory', 'tree', '/home', 'ls home/tree', 'a\nlink\nsub\n'],
    ['what is in a directory', 'tree/.', '/full', 'ls full', 'a\nlink\none\nsub\ntwo\n'],
    ['a symlink as a symlink', 'tree/link', '/tmp', 'readlink tmp/link', '/etc/passwd\n'],
    ['through a mount', 'file', '/vol/', 'cat vol/file', 'new'],
  ])('%s', (_, source, target, script, seen) => {
    bench.get('cp', `${bench.root}/host/${source}`, `box:${target}`);
    expect(inside(script)).toBe(seen);
  });

  test('copies belong to root, with their mode; with -a to whom they belonged', () => {
    bench.run('chown', '12:34', `${bench.root}/host/tree/a`);
    bench.get('cp', `${bench.root}/host/tree/a`, 'box:/tmp/owned');
    bench.get('cp', '-a', `${bench.root}/host/tree/a`, 'box:/tmp/kept');
    expect(inside('stat -c "%u:%g %a" tmp/owned tmp/kept')).toBe('0:0 640\n12:34 640\n');
  });

  test('a tmpfs takes what is copied only while it is there', () => {
    const file = `${bench.root}/host/file`;
    bench.get(
      'create',
      '--name',
      'short',
      '--tmpfs',
      '/tmp/run',
      '-v',
      'kept:/tmp/run/vol',
      'box',
      'sleep',
      '100',
    );
    for (const path of ['/tmp/run', '/tmp/run/below/file', '/tmp/./run/file']) {
      expect(bench.do('cp', file, `short:${path}`)).toMatchObject({
        code: 1,
        stderr: `plyfs cp: cannot copy to '${path}' of container 'short': '/tmp/run' is a tmpfs, which is empty at each start; start the container first\n`,
      });
    }
    bench.get('cp', file, 'short:/tmp/running');
    bench.get('cp', file, 'short:/tmp/run/vol');
    bench.get('start', 'short');
    bench.get('cp', file, 'short:/tmp/run');
    expect(bench.get('exec', 'short', 'cat', '/tmp/run/file', '/tmp/run/vol/file', '/tmp/running')).toBe(
      'newnewnew',
    );
    bench.get('rm', '-f', 'short');
  });

  test('symlinks in the container lead nowhere out of it', () => {
    inside('ln -s /host-escape up; ln -s ../../../../../../tmp/up deep; mkdir host-escape');
    bench.get('cp', `${bench.root}/host/file`, 'box:/up/landed');
    expect(inside('cat host-escape/landed')).toBe('new');
    bench.get('cp', `${bench.root}/host/file`, 'box:/deep');
    expect(inside('cat tmp/up')).toBe('new');
  });

  test.each([
    ['file', 'box:/none/', "cannot copy to '/none/' of container 'box': no such directory"],
    ['file', 'box:/none/x', "could not find the directory '/none' in container 'box'"],
    ['file', 'box:/etc/passwd/', "cannot copy to '/etc/passwd/' of container 'box': not a directory"],
    ['tree', 'box:/etc/passwd', "cannot copy a directory to the file '/etc/passwd' of container 'box'"],
    ['none', 'box:/tmp', 'could not find the file'],
    ['file/', 'box:/tmp', 'could not find the file'],
    ['tree', 'none:/tmp', "no such container: 'none'"],
  ])('%s to %s is refused', (source, target, message) => {
    const { code, stderr } = bench.do('cp', `${bench.root}/host/${source}`, target);
    expect([code, stderr]).toEqual([1, expect.stringContaining(message)]);
  });

  test('needs just one container', () => {
    expect(bench.do('cp', 'box:/a', 'box:/b').stderr).toContain(
      'copying between containers is not supported',
    );
    expect(bench.do('cp', './a', './b').stderr).toContain('must specify at least one container source');
  });
});

describe('plyfs cp out of a container', () => {
  test('files, directories and, with -L, what a symlink leads to', () => {
    inside('mkdir -p out/sub; echo 1 > out/f; ln out/f out/g; ln -s f out/l');
    bench.get('cp', 'box:/out', `${bench.root}/host/got`);
    expect(bench.run('sh', '-c', 'cd host/got; ls; stat -c %h f; readlink l').stdout).toBe(
      'f\ng\nl\nsub\n2\nf\n',
    );
    bench.get('cp', '-L', 'box:/out/l', `${bench.root}/host/followed`);
    expect(readFileSync(`${bench.root}/host/followed`, 'utf8')).toBe('1\n');
  });

  test('a tar on standard output, and back in from standard input', () => {
    const script = (command: string) => bench.run('sh', '-c', command.replaceAll('PLYFS', plyfs()));
    expect(script('PLYFS box:/out - | tar t').stdout).toBe('out/\nout/f\nout/g\nout/l\nout/sub/\n');
    expect(script('cd host && tar c tree | PLYFS - box:/tmp').stderr).toBe('');
    expect(inside('ls tmp/tree; readlink tmp/tree/link')).toBe('a\nlink\nsub\n/etc/passwd\n');
    expect(script('cd host && tar c -P "$PWD/file" | PLYFS - box:/tmp').stderr).toBe('');
    expect(inside(`test -f tmp/${bench.root}/host/file && echo below`)).toBe('below\n');
    const evil = 'cd host && tar c --transform "s,^,../," -P file | PLYFS - box:/tmp';
    expect(script(evil).stderr).toContain("the name '../file' leads out of the directory");
    expect(script('tar c host | PLYFS - box:/etc/passwd').stderr).toContain('not a directory');
  });

  test('a slash behind a directory that is missing makes it, CONTAINER: alone is the root', () => {
    bench.run('sh', '-c', 'mkdir -p host/deep/in && echo x > host/deep/in/file');
    bench.get('cp', `${bench.root}/host/deep`, 'box:/made/');
    expect(bench.get('exec', 'box', 'cat', '/made/in/file')).toBe('x');
    expect(bench.do('cp', `${bench.root}/host/deep/in/file`, 'box:/nothing/').code).toBe(1);
    bench.get('cp', 'box:', `${bench.root}/host/whole`);
    expect(bench.run('cat', 'host/whole/made/in/file').stdout).toBe('x\n');
  });

  test('of a container that does not run, and into it', () => {
    bench.get('container', 'stop', 'box');
    bench.get('cp', `${bench.root}/host/file`, 'box:/stopped');
    bench.get('cp', 'box:/stopped', `${bench.root}/host/back`);
    expect(readFileSync(`${bench.root}/host/back`, 'utf8')).toBe('new');
    expect(bench.mounted()).toEqual([]);
    bench.get('container', 'mount', 'box');
  });

  function plyfs(): string {
    return `node ${cliScript} cp --root ${bench.store.root}`;
  }
});

describe('plyfs diff', () => {
  test('shows every edit, sorted: metadata, deletions, renames, replaced directories, hard links', () => {
    const script = [
      'touch /tmp/new; rm /etc/issue; chmod 700 /home; chown 1:1 /etc/group',
      'mv /home/app /home/moved',
      'rm -r /full; mkdir /full; touch /full/two',
      'ln /etc/passwd /etc/second',
    ].join('; ');
    bench.get('run', '--name', 'edits', 'box', 'sh', '-c', script);
    expect(bench.get('diff', 'edits').split('\n')).toEqual([
      'C /etc',
      'C /etc/group',
      'D /etc/issue',
      'C /etc/passwd',
      'A /etc/second',
      'C /full',
      'D /full/one',
      'C /full/two',
      'C /home',
      'D /home/app',
      'A /home/moved',
      'C /tmp',
      'A /tmp/new',
    ]);
  });

  test('what is read, or only in a volume, is no change', () => {
    bench.get(
      'run',
      '--name',
      'reads',
      '-v',
      'vol:/vol',
      'box',
      'sh',
      '-c',
      'cat /etc/issue; touch /vol/x; ls -lR /etc /bin',
    );
    expect(bench.get('diff', 'reads')).toBe('');
  });

  test('a file with several names, written to by one, shows all of them', () => {
    bench.get('commit', 'edits', 'linked');
    bench.get('run', '--name', 'names', 'linked', 'sh', '-c', 'echo x >> /etc/second');
    expect(bench.get('diff', 'names').split('\n')).toEqual(['C /etc', 'C /etc/passwd', 'C /etc/second']);
  });
});

describe('plyfs why', () => {
  test('explains a path of a mounted container by its name', () => {
    inside('echo x > etc/fresh');
    expect(bench.get('why', 'box:/etc/fresh')).toContain('/etc/fresh: upper from ');
    expect(bench.get('why', 'box:/vol/file')).toContain('/vol/file: mount from ');
    expect(bench.do('why', 'none:/x').stderr).toContain("no such container: 'none'");
  });
});

describe('plyfs commit and export', () => {
  test('the image has the changes, not the volumes, and the options with --change', () => {
    bench.get(
      'run',
      '--name',
      'made',
      '-v',
      'vol:/vol',
      '-e',
      'X=1',
      'box',
      'sh',
      '-c',
      'echo mine > /mine; echo v > /vol/v; rm /etc/issue',
    );
    const id = bench.get(
      'commit',
      '-a',
      'me',
      '-m',
      'text',
      '-c',
      'CMD ["cat", "/mine"]',
      '-c',
      'ENV Y=2',
      'made',
      'made:1',
    );
    expect(id).toMatch(/^sha256:[0-9a-f]{64}$/);
    expect(bench.get('run', '--rm', 'made:1')).toBe('mine');
    expect(
      bench.get(
        'run',
        '--rm',
        'made:1',
        'sh',
        '-c',
        'echo $X$Y; ls -d /vol/v /etc/issue 2>/dev/null || echo neither',
      ),
    ).toBe('12\nneither');
    expect(bench.do('commit', '-c', 'RUN x', 'made').stderr).toContain("invalid change 'RUN x'");
    expect(bench.do('commit', 'made', 'BAD').stderr).toContain("invalid reference format: 'BAD'");
  });

  test('a container goes on after a commit that stopped it', () => {
    bench.get('run', '-d', '--name', 'busy', 'box', 'sh', '-c', 'while :; do sleep 0.1; done');
    bench.get('commit', 'busy');
    const pid = bench.get('container', 'inspect', '-f', '{{.State.Pid}}', 'busy');
    expect(readFileSync(`/proc/${pid}/status`, 'utf8')).not.toMatch(/^State:\s+T/m);
    bench.get('container', 'rm', '-f', 'busy');
  });

  test('export holds the merged tree', () => {
    mkdirSync(`${bench.root}/host/exported`);
    bench.get('container', 'export', '-o', `${bench.root}/host/tree.tar`, 'made');
    bench.run('tar', '-C', `${bench.root}/host/exported`, '-xf', `${bench.root}/host/tree.tar`);
    expect(readFileSync(`${bench.root}/host/exported/mine`, 'utf8')).toBe('mine\n');
    expect(bench.run('sh', '-c', 'ls host/exported/etc/issue host/exported/vol').code).toBe(2);
  });
});
