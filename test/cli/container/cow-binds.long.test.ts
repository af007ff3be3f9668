/** Binds with `cow`: changes go to an upper of the container's or the mount's own, and the source stays as it is. */

import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { cliScript } from '../plyfs-run.js';
import { ContainerBench } from './bench.js';

let bench: ContainerBench;
let source: string;
beforeEach(() => {
  bench = new ContainerBench('src/d', 'l', 'up', 'm');
  source = join(bench.root, 'src');
  writeFileSync(join(source, 'f'), 'one\n');
  writeFileSync(join(source, 'd/g'), 'two\n');
  writeFileSync(join(source, 'large'), Buffer.alloc(3 << 20, 'x'));
});
afterEach(() => bench.dispose());

const onHost = (name: string): string => readFileSync(join(source, name), 'utf8');

it('a container changes its view alone, keeps it, tells it, and takes it along when it goes', () => {
  bench.addImages();
  const script = 'echo more >> /work/f; rm -r /work/d; echo y >> /work/large; mkdir /work/n; ls /work';
  const mount = ['-v', `${source}:/work:cow`];
  expect(bench.get('run', '--name', 'one', ...mount, 'box', 'sh', '-c', script)).toBe('f\nlarge\nn');
  expect([onHost('f'), onHost('d/g'), onHost('large')[0]]).toEqual(['one\n', 'two\n', 'x']);
  expect(bench.get('diff', 'one')).toBe('D /work/d\nC /work/f\nC /work/large\nA /work/n');
  writeFileSync(join(source, 'later'), 'host\n');
  expect(bench.get('start', '-a', 'one')).toBe('f\nlarge\nlater\nn');
  const inspected = JSON.parse(bench.get('container', 'inspect', 'one'))[0];
  expect(inspected.Mounts[0]).toMatchObject({ Type: 'bind', Mode: 'cow', RW: true, Source: source });
  const other = [
    'run',
    '--rm',
    '--mount',
    `type=bind,src=${source},dst=/work,cow`,
    'box',
    'cat',
    '/work/f',
    '/work/d/g',
  ];
  expect(bench.get(...other)).toBe('one\ntwo');
  expect(bench.get('ps', '-a', '--format', '{{.Mounts}}')).toContain(source.slice(0, 14));
  const home = join(bench.store.root, 'containers', bench.store.names('containers')[0]!, 'cow');
  expect(existsSync(home)).toBe(true);
  bench.get('rm', 'one');
  expect(existsSync(home)).toBe(false);
  expect(onHost('f')).toBe('one\n');
});

it('what a container has changed is reviewed, applied in part, taken back and thrown away as a draft', () => {
  bench.addImages();
  const lines = Array.from({ length: 20 }, (_, line) => `${line + 1}\n`).join('');
  writeFileSync(join(source, 'text'), lines);
  const changed = lines.replace('2\n', 'b\n').replace('18\n', 'r\n');
  const script = `echo "${changed.trimEnd()}" >/work/text; rm -r /work/d; mkdir /work/n`;
  bench.get('run', '--name', 'one', '-v', `${source}:/work:cow`, 'box', 'sh', '-c', script);
  const names = (): string => bench.get('review', '--name-only', 'two:/work').replaceAll(`${source}/`, '');
  bench.get('container', 'mount', 'one');
  bench.get('rename', 'one', 'two');
  expect(bench.get('drafts', '--all', '--format', '{{.Name}} {{.State}} {{.Over}}')).toBe(
    `two:/work in use ${source}`,
  );
  expect(bench.get('drafts', '-q')).toBe('');
  expect(bench.do('apply', '--yes', 'two:/work').stderr).toContain("'plyfs stop two'");
  bench.get('container', 'umount', 'two');
  expect(names()).toBe('d\nn\ntext');
  const command = bench.withRoot(['apply', '--hunk', 'two:/work', '--only', join(source, 'text')]).join(' ');
  const asked = bench.run('sh', '-c', `printf 'y\\nn\\n' | ${process.execPath} ${cliScript} ${command}`);
  expect(asked.code).toBe(0);
  expect(onHost('text')).toBe(lines.replace('2\n', 'b\n'));
  expect(bench.get('apply', '--yes', '--only', join(source, 'd'), 'two:/work')).toContain('D ');
  expect([existsSync(join(source, 'd')), names()]).toEqual([false, 'n\ntext']);
  bench.get('undo');
  bench.get('undo');
  expect([onHost('text'), onHost('d/g'), names()]).toEqual([lines, 'two\n', 'd\nn\ntext']);
  bench.get('discard', 'two:/work');
  expect(bench.get('drafts', '-q', '--all')).toBe('');
  bench.get('start', '-a', 'two');
  expect(names()).toBe('d\nn\ntext');
  expect(bench.do('review', 'two:/none').stderr).toContain('no such bind with cow');
});

it('a mount keeps the changes beside its upper, and why knows the mount', () => {
  const mount = ['mount', '-l', 'l', '--upper', 'up', '-v', './src:/work:cow', 'm'];
  expect(bench.plyfs(...mount).stderr).toBe('');
  bench.run('sh', '-c', 'echo more >> m/work/f; rm -r m/work/d; mv m/work/large m/work/renamed');
  expect(onHost('f')).toBe('one\n');
  expect(bench.plyfs('why', 'm/work/f').stdout).toContain('./src:/work:cow');
  expect(bench.plyfs('umount', 'm').code).toBe(0);
  expect(bench.plyfs(...mount).code).toBe(0);
  expect(bench.run('sh', '-c', 'cat m/work/f; ls m/work').stdout).toBe('one\nmore\nf\nrenamed\n');
  expect(existsSync(join(source, 'd/g'))).toBe(true);
  expect(bench.plyfs('umount', 'm').code).toBe(0);
  expect(bench.run('ls', 'up').stdout).toBe('');
});

it('what cannot be is told in plain words', () => {
  mkdirSync(join(bench.root, 'volumes'));
  const errorOf = (...args: string[]) => bench.plyfs('mount', '-l', 'l', ...args, 'm').stderr;
  const upper = ['--upper', 'up'];
  expect(errorOf('-v', './src:/work:cow')).toContain(
    'its changes need an upper beside which they lie; add --upper DIR',
  );
  expect(errorOf(...upper, '-v', './src:/work:cow,ro')).toContain("cannot mix 'cow' with 'ro'");
  expect(errorOf(...upper, '-v', 'name:/work:cow')).toContain('cow is for binds');
  expect(errorOf(...upper, '-v', './src/f:/work:cow')).toContain('cow is for directories');
  expect(errorOf(...upper, '-v', './src:/work:cow,squash=0:0')).toContain("cannot mix 'cow' with 'uidmap'");
  expect(errorOf(...upper, '--mount', 'type=tmpfs,dst=/w,cow')).toContain("cannot mix option 'cow'");
  expect(bench.mounted()).toEqual([]);
});

it('merge shows what the image has below what the host has, and changes neither', () => {
  bench.addImages();
  writeFileSync(join(source, 'one'), 'host\n');
  const mount = `${source}:/full:merge`;
  const script = 'cat /full/one /full/two; rm /full/two; echo more >> /full/one; ls /full';
  const seen = bench.get('run', '--name', 'both', '-v', mount, 'box', 'sh', '-c', script);
  expect(seen).toBe('host\n2d\nf\nlarge\none');
  expect(onHost('one')).toBe('host\n');
  expect(bench.get('diff', 'both')).toBe('C /full/one\nD /full/two');
  const readOnly = ['--mount', `type=bind,src=${source},dst=/full,merge,ro`];
  const refused = bench.do('run', '--rm', ...readOnly, 'box', 'sh', '-c', 'ls /full; echo x > /full/two');
  expect(refused.stdout).toBe('d\nf\nlarge\none\ntwo\n');
  expect(refused.stderr).toContain('Read-only file system');
  expect(bench.do('run', '--rm', '-v', `${source}:/bin/sh:merge`, 'box', 'true').stderr).toContain(
    "'/bin/sh' would be a directory over a file",
  );
  expect(bench.do('run', '--rm', '-v', 'data:/full:merge', 'box', 'true').stderr).toContain(
    'merge is for binds',
  );
  bench.get('rm', 'both');
});

it('exclude leaves directories to the container, filled with what the image has, and the host does not see them', () => {
  bench.addImages();
  for (const name of ['full', 'd/full', 'd/full/inner/full'])
    mkdirSync(join(source, name), { recursive: true });
  writeFileSync(join(source, 'full/host'), '');
  const script = 'ls /work /work/full /work/d/full; touch /work/full/own /work/d/full/own /work/d/shared';
  const mount = ['--mount', `type=bind,src=${source},dst=/work,exclude=**/full,exclude=none`];
  expect(bench.get('run', '--name', 'one', ...mount, 'box', 'sh', '-c', script)).toBe(
    '/work:\nd\nf\nfull\nlarge\nnone\n\n/work/d/full:\n\n/work/full:',
  );
  expect(bench.get('start', '-a', 'one')).toContain('/work/d/full:\nown\n\n/work/full:\nown');
  expect(bench.run('find', source, '-name', '*[ord]', '-type', 'f').stdout.split('\n').sort()).toEqual(
    ['', join(source, 'd/shared')].sort(),
  );
  expect(existsSync(join(source, 'none'))).toBe(false);
  bench.get('rm', '-v', 'one');
  expect(bench.get('volume', 'ls', '-q')).toBe('');
  const readOnly = ['-v', `${source}:/srv:ro,exclude=full`];
  expect(
    bench.get('run', '--rm', ...readOnly, 'box', 'sh', '-c', 'echo x >/srv/full/x; cat /srv/full/x'),
  ).toBe('x');
  expect(bench.do('run', '--rm', '-v', `${source}:/work:exclude=f`, 'box', 'true').stderr).toContain(
    "exclude is for directories, and 'f' is none",
  );
});
