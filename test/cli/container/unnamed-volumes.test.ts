/**
 * Which volumes go with a container: those that it names nowhere. How a volume was made does not count.
 */

import { readFileSync, statSync, writeFileSync } from 'node:fs';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { cliScript } from '../plyfs-run.js';
import { ContainerBench } from './bench.js';

let bench: ContainerBench;
beforeAll(() => {
  bench = new ContainerBench('host');
  bench.addImages();
});
afterAll(() => bench.dispose());

const volumes = () => bench.get('volume', 'ls', '-q').split('\n').filter(Boolean);

test('an anonymous volume that is given by its id survives --rm and rm -v of who got it', () => {
  const id = bench.get('volume', 'create');
  bench.get('run', '--rm', '-v', `${id}:/d`, 'box', 'sh', '-c', 'echo rescued > /d/file');
  bench.get('run', '--rm', '--mount', `type=volume,src=${id},dst=/d`, 'box', 'pwd');
  bench.get('create', '--name', 'keeps', '-v', `${id}:/d`, 'box');
  bench.get('rm', '-v', 'keeps');
  expect(volumes()).toEqual([id]);
  expect(bench.sh('cat /d/file', '-v', `${id}:/d`)).toBe('rescued');
  bench.get('volume', 'rm', id);
});

test('that of a container whose files are rescued survives the rescue, and goes with the container', () => {
  bench.get('run', '--name', 'owner', '-v', '/d', 'box', 'sh', '-c', 'echo mine > /d/file');
  const [id = ''] = volumes();
  expect(bench.sh('cat /d/file', '-v', `${id}:/d`)).toBe('mine');
  bench.get('rm', '-v', 'owner');
  expect(volumes()).toEqual([]);
});

test('--volumes-from takes how it is named along: the last who has it unnamed takes it away', () => {
  bench.get('create', '--name', 'source', '-v', '/d', 'box');
  bench.get('create', '--name', 'second', '--volumes-from', 'source', 'box');
  bench.get('rm', '-v', 'source');
  expect(volumes()).toHaveLength(1);
  bench.get('rm', '-v', 'second');
  expect(volumes()).toEqual([]);
});

test('a container that names it in one place and not in another keeps it', () => {
  bench.get('create', '--name', 'source', '-v', '/d', 'box');
  const [id = ''] = volumes();
  bench.get('create', '--name', 'both', '--volumes-from', 'source', '-v', `${id}:/other`, 'box');
  bench.get('rm', '-v', 'source', 'both');
  expect(volumes()).toEqual([id]);
  bench.get('volume', 'rm', id);
});

test('a record of before, which does not say, counts as naming it; VOLUME of an image cannot', () => {
  const id = bench.get('create', '--name', 'old', '-v', '/d', 'data');
  const path = bench.store.path('containers', id, 'container.json');
  writeFileSync(path, readFileSync(path, 'utf8').replace(/,\s*"unnamed": (true|false)/g, ''));
  expect(readFileSync(path, 'utf8')).not.toContain('unnamed');
  bench.get('rm', '-v', 'old');
  expect(volumes()).toHaveLength(1);
  bench.get('volume', 'prune', '-f');
});

test('bind-create-src makes 0755 directories, parents too, whatever the umask', () => {
  const spec = `type=bind,src=${bench.root}/host/new/deep,dst=/x,bind-create-src`;
  for (const umask of ['000', '077']) {
    const words = ['run', '--root', bench.store.root, '--rm', '--mount', spec, 'box', 'pwd'];
    bench.run('sh', '-c', `umask ${umask}; node -- ${cliScript} ${words.join(' ')}`);
    for (const path of ['new', 'new/deep']) {
      const { mode, uid } = statSync(`${bench.root}/host/${path}`);
      expect([mode & 0o7777, uid]).toEqual([0o755, process.getuid?.()]);
    }
    bench.run('rm', '-r', `${bench.root}/host/new`);
  }
});
