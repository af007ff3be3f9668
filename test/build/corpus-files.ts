/**
 * What the builds of the corpus are given: a base image of busybox as a tar, a context with awkward files, a secret.
 */

import { spawnSync } from 'node:child_process';
import { chmodSync, copyFileSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

export interface CorpusFiles {
  /** A root tar. */
  readonly base: string;
  readonly context: string;
  /** Where the commands run: `token` is there. */
  readonly cwd: string;
}

/** Makes them in an empty directory. PRECONDITION: busybox is installed, and static. */
export function makeCorpusFiles(root: string): CorpusFiles {
  // The same modes for whoever runs it.
  const umask = process.umask(0o022);
  try {
    makeBase(join(root, 'base'));
    run(root, 'tar', '-C', 'base', '-cf', 'base.tar', '.');
    makeContext(join(root, 'context'));
    writeFileSync(join(root, 'token'), 'secret\n', { mode: 0o600 });
    return { base: join(root, 'base.tar'), context: join(root, 'context'), cwd: root };
  } finally {
    process.umask(umask);
  }
}

const FOLDERS = ['bin', 'dev', 'etc', 'home/app', 'proc', 'run', 'sys', 'tmp', 'usr/lib', 'var'];

function makeBase(base: string): void {
  for (const folder of FOLDERS) mkdirSync(join(base, folder), { recursive: true });
  chmodSync(join(base, 'tmp'), 0o1777);
  const busybox = run('/', 'sh', '-c', 'command -v busybox').trim();
  copyFileSync(busybox, join(base, 'bin/busybox'));
  for (const name of run('/', busybox, '--list').split('\n')) {
    if (name !== '' && name !== 'busybox') symlinkSync('busybox', join(base, 'bin', name));
  }
  const users = 'root:x:0:0:root:/root:/bin/sh\napp:x:1000:1001:app:/home/app:/bin/sh\n';
  writeFileSync(join(base, 'etc/passwd'), users);
  writeFileSync(join(base, 'etc/group'), 'root:x:0:\napp:x:1001:\nstaff:x:50:app\n');
}

const FILES: Readonly<Record<string, string>> = {
  'README-secret.md': 'secret\n',
  'README.md': 'readme\n',
  'Upper/u': 'upper\n',
  'a.txt': 'a\n',
  'sub/b.txt': 'b\n',
  'sub/c.MD': 'c\n',
  'sub/deep/keep': 'keep\n',
  'sub/deep/x': 'x\n',
  'sub/notes.md': 'notes\n',
  'with space.txt': 'space\n',
};

function makeContext(context: string): void {
  for (const folder of ['Upper', 'sub/deep', 'packed/lib', 'packed/dir', 'packed/there']) {
    mkdirSync(join(context, folder), { recursive: true });
  }
  for (const [path, content] of Object.entries(FILES)) writeFileSync(join(context, path), content);
  chmodSync(join(context, 'sub/deep/x'), 0o755);
  chmodSync(join(context, 'sub/deep'), 0o700);
  symlinkSync('a.txt', join(context, 'link.txt'));
  symlinkSync('sub', join(context, 'link-dir'));
  symlinkSync('nowhere', join(context, 'sub/dangling'));
  writeFileSync(Buffer.concat([Buffer.from(`${context}/caf`), Buffer.from([0xe9])]), 'latin\n');
  makeArchives(context);
}

/** `packed` has directories where the corpus has a symlink, a file and a directory. */
function makeArchives(context: string): void {
  writeFileSync(join(context, 'packed/lib/new'), 'new\n');
  writeFileSync(join(context, 'packed/dir/in'), 'in\n');
  writeFileSync(join(context, 'packed/there/y'), 'y\n');
  const owner = ['--owner=1000', '--group=50', '--numeric-owner', '--mtime=@1000000000', '--sort=name'];
  const paths = ['-C', 'packed', 'lib', 'dir', 'there'];
  for (const name of ['tree.tar', 'tree.tar.gz', 'tree.tar.bz2', 'tree.tar.xz']) {
    run(context, 'tar', ...owner, '-caf', name, ...paths);
  }
  run(context, 'tar', '--format=v7', ...owner, '-cf', 'v7.tar', ...paths);
  run(context, 'sh', '-c', 'gzip -nc <a.txt >plain.gz && rm -r packed');
}

function run(cwd: string, program: string, ...args: string[]): string {
  const { status, stdout, stderr, error } = spawnSync(program, args, { cwd, encoding: 'utf8' });
  if (status === 0) return stdout;
  throw new Error(`${program} ${args.join(' ')}: ${error?.message ?? stderr}`);
}
