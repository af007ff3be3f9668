/** Snapshots of volumes and drafts: each state comes back as it was, and what is in use is refused. */

import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { ContainerBench } from './container/bench.js';

const bench = new ContainerBench('host');
bench.addImages();
afterAll(() => bench.dispose());

function shell(script: string): string {
  const { code, stdout, stderr } = bench.run('sh', '-ec', script);
  expect([code, stderr]).toEqual([0, '']);
  return stdout;
}

/** Bytes, modes, owners, times, attributes, which names are one file. */
function listing(path: string): string {
  const links = `find . -type f -links +1 -exec sh -c 'for f; do find . -samefile "$f" | sort | tr "\\n" " "; echo; done' sh {} + | sort -u`;
  return shell(`cd ${path}
    find . -printf '%p %y %m %U:%G %s %n %T@ %l\\n' | sort
    find . -type f -print0 | sort -z | xargs -0r sha256sum; getfattr -Rhdm- . 2>/dev/null; ${links}`);
}

describe('volumes', { timeout: 180_000 }, () => {
  test('go back, are cloned by a snapshot, and stay as they are while a container has them', () => {
    bench.get('volume', 'create', 'data');
    const data = join(bench.store.root, 'volumes/data/_data');
    shell(`cd ${data}; mkdir -p d/e; echo 1 >d/f; ln d/f d/e/g; ln -s nowhere l; mkfifo p; chmod 2751 d; chown 5:6 d/f
      setfattr -n user.a -v b d; truncate -s 1M d/hole; touch -d @1.123456789 d/e; printf x >"$(printf 'caf\\303\\251 \\377')"`);
    const before = listing(data);
    bench.get(
      'run',
      '-d',
      '--name',
      'web',
      '-v',
      'data:/data',
      'box',
      'sh',
      '-c',
      'while :; do sleep 1; done',
    );
    bench.get('snapshot', 'create', 'data', 'one');
    expect(listing(join(bench.store.root, 'volumes/data/snapshots/one/tree'))).toBe(before);
    bench.get('exec', 'web', 'sh', '-c', 'echo 2 >>/data/d/f; rm /data/l; echo new >/data/new');
    bench.get('snapshot', 'create', 'data', 'two');
    const after = listing(data);
    expect(bench.get('snapshot', 'ls', '-q', 'data')).toBe('one\ntwo');
    expect(bench.get('snapshot', 'diff', '--semantic', 'data', 'one', 'two').replace(/ {2}.*/g, '')).toBe(
      'C /d/e/g\nC /d/f\nD /l\nA /new',
    );
    expect(bench.do('snapshot', 'restore', 'data', 'one')).toMatchObject({
      code: 1,
      stderr:
        "plyfs snapshot restore: cannot restore volume 'data': it is in use (containers that have it: web); stop and unmount what uses it first\n",
    });
    expect(listing(data)).toBe(after);
    bench.get('rm', '-f', 'web');
    bench.get('snapshot', 'restore', 'data', 'one');
    expect(listing(data)).toBe(before);
    bench.get('volume', 'clone', '--snapshot', 'two', 'data', 'second');
    expect(listing(join(bench.store.root, 'volumes/second/_data'))).toBe(after);
    bench.get('volume', 'rename', 'data', 'other');
    bench.get('snapshot', 'restore', 'other', 'two');
    expect(listing(join(bench.store.root, 'volumes/other/_data'))).toBe(after);
    bench.get('snapshot', 'rm', 'other', 'one', 'two');
    expect(bench.get('snapshot', 'ls', '-q', 'other')).toBe('');
  });

  test('tell what has become of what an image filled them with, and become that again', () => {
    bench.get(
      'run',
      '--rm',
      '-v',
      'filled:/data',
      'data',
      'sh',
      '-c',
      'echo x >>/data/seed; echo y >/data/own',
    );
    expect(bench.do('volume', 'status', '--semantic', 'filled')).toEqual({
      code: 0,
      stdout: 'A /own\nC /seed  content (15B -> 17B)\n',
      stderr: "volume 'filled': compared with /data of 'data'\n",
    });
    bench.get('create', '--name', 'keeps', '-v', 'filled:/data', 'data');
    bench.get('container', 'mount', 'keeps');
    expect(bench.do('volume', 'reseed', '-f', 'filled')).toMatchObject({
      code: 1,
      stderr:
        "plyfs volume reseed: cannot reseed volume 'filled': it is in use; stop and unmount what uses it first\n",
    });
    bench.get('container', 'umount', 'keeps');
    expect(bench.get('volume', 'reseed', '-f', 'filled')).toBe('filled');
    expect(bench.do('volume', 'status', '--exit-code', 'filled')).toMatchObject({ code: 0, stdout: '' });
    bench.get('volume', 'create', 'bare');
    expect(bench.do('volume', 'status', 'bare').stderr).toContain(
      "volume 'bare' was not filled from an image",
    );
    expect(bench.do('volume', 'reseed', '-f', '--image', 'none', 'filled').stderr).toContain("'none'");
  });

  test('with a limit get a disk with the same limit, and are forked with it', () => {
    bench.get('volume', 'create', '--opt', 'size=4m', 'sized');
    const inVolume = (script: string): string => bench.sh(`cd /v; ${script}`, '-v', 'sized:/v');
    inVolume('echo 1 >f; chmod 640 f');
    bench.get('snapshot', 'create', 'sized', 'a');
    inVolume('echo 2 >f; echo n >new');
    expect(bench.get('snapshot', 'diff', '--semantic', 'sized', 'a').split('\n').sort()).toEqual([
      'A /new',
      'C /f  content',
    ]);
    expect(bench.get('fork', '--snapshot', 'a', 'sized', 'sized-2')).toBe('sized-2');
    bench.get('snapshot', 'restore', 'sized', 'a');
    expect(inVolume('cat f; stat -c %a f; ls; head -c 8000000 /dev/zero >big || echo full')).toMatch(
      /^1\n640\nf\n(.*\n)*full$/,
    );
    expect(bench.sh('cat /v/f', '-v', 'sized-2:/v')).toBe('1');
    expect(bench.mounted().filter((path) => path.includes('_data'))).toEqual([]);
  });

  test('on a device are refused, as are names that are none', () => {
    bench.get('volume', 'create', '--opt', 'type=tmpfs', '--opt', 'device=tmpfs', 'foreign');
    expect(bench.do('snapshot', 'create', 'foreign', 'a').stderr).toBe(
      "plyfs snapshot create: cannot take a snapshot of volume 'foreign': its data lies on a device that is not plyfs'; 'plyfs volume clone foreign NEW' copies it\n",
    );
    bench.get('volume', 'create', 'plain');
    expect(bench.do('snapshot', 'create', 'plain', '../x').stderr).toContain("invalid snapshot name '../x'");
    expect(bench.do('snapshot', 'restore', 'plain', '..').stderr).toContain(
      "no such snapshot of volume 'plain': '..'",
    );
    expect(bench.do('snapshot', 'ls', 'volume:none').stderr).toContain("no such volume: 'none'");
    expect(bench.do('snapshot', 'ls', 'none').stderr).toContain(
      "no such container, volume, draft or mount point: 'none'",
    );
  });
});

test('drafts go back with renames, deletions and the names of a file', { timeout: 180_000 }, () => {
  const host = join(bench.root, 'host');
  const inDraft = (script: string): string =>
    bench.get('try', '-q', '--name', 'd', '-C', host, 'sh', '-ec', script);
  const seen = (): string => inDraft(`cd ${host}; find . -printf '%p %y %m %s %n\\n' | sort; cat h3`);
  shell(`cd ${host}; echo 1 >h1; ln h1 h2; ln h1 h3; mkdir dir; echo x >dir/x; echo gone >gone`);
  inDraft('echo 2 >>h1; rm gone; mv dir moved; echo n >new');
  const [before, review] = [seen(), bench.get('review', 'd')];
  bench.get('snapshot', 'create', 'd', 'one');
  inDraft('echo 3 >>h2; rm new; echo back >gone; mv moved again; chmod 700 again');
  const after = seen();
  bench.get('snapshot', 'create', 'draft:d', 'two');
  expect(bench.get('snapshot', 'diff', '--semantic', 'd', 'one', 'two').replaceAll(host, '')).toContain(
    'A /gone\n',
  );
  bench.get('snapshot', 'restore', 'd', 'one');
  expect([seen(), bench.get('review', 'd')]).toEqual([before, review]);
  bench.get('snapshot', 'restore', 'd', 'two');
  expect(seen()).toBe(after);
  // What was applied can be gone back from, and is a conflict then, as the host has changed.
  bench.get('apply', '--yes', 'd');
  bench.get('snapshot', 'restore', 'd', 'one');
  expect(bench.do('apply', '--yes', 'd').stderr).toContain('the host has changed');
  expect(bench.get('fork', '--snapshot', 'two', 'd', 'other')).toBe('other');
  expect(bench.get('fork', 'd', 'same')).toBe('same');
  expect(bench.do('fork', 'd', 'same').stderr).toContain("there is a draft 'same' already");
  expect(bench.get('review', '--name-only', 'same')).toBe(bench.get('review', '--name-only', 'd'));
  bench.get('discard', 'd', 'other', 'same');
  // A 'd' alone may be the beginning of a container's id.
  expect(bench.do('snapshot', 'ls', 'draft:d').code).toBe(1);
});
