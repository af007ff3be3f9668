/** Images go between plyfs, skopeo and umoci: what one makes, the others unpack to the same tree. Needs root. */

import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { commitLayer } from '../../src/image/add/commit-layer.js';
import { resolveImage } from '../../src/image/catalog/image-index.js';
import { layerTreePaths } from '../../src/image/catalog/layer-record.js';
import { Store } from '../../src/store/store.js';
import { Workbench } from '../cli/plyfs-run.js';
import { LayoutBuilder } from '../helpers/oci-layout.js';
import { type TarPiece, tarBytes } from '../helpers/tar-bytes.js';
import { fingerprint } from './image-fingerprint.js';

const TIMEOUT_MS = 180_000;

let bench: Workbench;
beforeEach(() => {
  bench = new Workbench('mnt', 'upper', 'rootfs');
});
afterEach(() => bench.dispose());

/** A program that must succeed; its output. */
function sh(script: string): string {
  return execFileSync('bash', ['-ec', script], { cwd: bench.root, encoding: 'utf8', timeout: TIMEOUT_MS });
}

function plyfs(...args: string[]): string {
  const { code, stdout, stderr } = bench.plyfs(...args);
  expect([code, stderr]).toEqual([0, '']);
  return stdout;
}

/** What a mount of the image shows. */
function shownBy(...mount: string[]): string[] {
  plyfs('mount', '--root', 'store', ...mount, 'mnt');
  try {
    return fingerprint(join(bench.root, 'mnt'));
  } finally {
    plyfs('umount', 'mnt');
  }
}

const TREE = `cd "$1"; mkdir -p etc/dir usr/lib dev opt; echo text > etc/conf; chmod 640 etc/conf; chown 12:34 etc/conf
head -c 300000 /dev/urandom > usr/lib/data; cp /bin/true usr/prog; chmod 4755 usr/prog; ln usr/prog usr/link
ln -s ../etc/conf opt/s; ln -s /nowhere opt/broken; mkfifo opt/fifo; mknod dev/null c 1 3; mknod dev/sda b 8 0
chmod 1777 opt; setfattr -n user.note -v value etc/conf; setfattr -n user.raw -v 0x00ff0a usr/lib/data
setcap cap_net_raw+ep usr/lib/data; truncate -s 5M usr/sparse; echo x >> usr/sparse
touch -d '1960-02-03 04:05:06.789012345' etc/old; touch -d '2026-01-02 03:04:05.987654321' etc/dir
n=$(printf 'n%.0s' {1..200}); mkdir -p $n/$n; echo deep > $n/$n/file; touch "$(printf 'new\\nline')" $'\\xff\\xfe'`;

const CHANGES = [
  'echo more >> etc/conf; rm usr/link; mkdir new; echo n > new/file',
  'rm -r etc/dir; mkdir etc/dir; echo fresh > etc/dir/f; chmod 700 usr',
  'mv new renamed; rm opt/s; echo file > opt/s',
  'rm -r renamed; touch renamed; setfattr -n user.more -v 1 etc/conf',
];

function makeTree(directory: string): void {
  execFileSync('bash', ['-ec', TREE, 'tree', directory], { cwd: bench.root });
}

describe('images of other tools', () => {
  for (const layers of [1, 10]) {
    test(`umoci makes ${layers} layers, and plyfs mounts what umoci unpacks`, { timeout: TIMEOUT_MS }, () => {
      sh('umoci init --layout l; umoci new --image l:app; umoci unpack --image l:app b');
      makeTree(join(bench.root, 'b/rootfs'));
      sh('umoci repack --refresh-bundle --image l:app b');
      for (let index = 1; index < layers; index++) {
        const change =
          CHANGES[index - 1] ?? `echo ${index} > etc/n${index}; rm -f etc/n${index - 2}; touch etc/conf`;
        sh(`(cd b/rootfs; ${change}); umoci repack --refresh-bundle --image l:app b`);
      }
      sh('umoci unpack --image l:app out; skopeo copy -q oci:l:app oci-archive:a.tar:app:1');
      sh('skopeo copy -q oci:l:app docker-archive:d.tar:app:2; gzip -k d.tar');
      const expected = fingerprint(join(bench.root, 'out/rootfs'));
      expect(expected.length).toBeGreaterThan(30);
      for (const source of ['l', 'a.tar', 'd.tar.gz']) {
        plyfs('image', 'load', '--root', 'store', '-i', source);
      }
      expect(sh('ls store/layers | wc -l').trim()).toBe(String(layers));
      for (const name of ['app:latest', 'app:1', 'docker.io/library/app:2']) {
        expect(shownBy('-l', name)).toEqual(expected);
      }
    });
  }

  test('layers whose entries come in an odd order mount as umoci unpacks them', {
    timeout: TIMEOUT_MS,
  }, () => {
    const layout = new LayoutBuilder();
    for (const [index, pieces] of ODD.entries()) {
      layout.name(layout.image([tarBytes(...BELOW), tarBytes(...pieces)]), `odd${index}`);
    }
    layout.writeTo(join(bench.root, 'l'));
    plyfs('image', 'load', '--root', 'store', '-i', 'l');
    for (const index of ODD.keys()) {
      sh(`umoci unpack --image l:odd${index} out${index}`);
      expect(shownBy('-l', `odd${index}`)).toEqual(fingerprint(join(bench.root, `out${index}/rootfs`)));
    }
  });

  test('an image of 120 layers mounts as umoci unpacks it', { timeout: TIMEOUT_MS }, () => {
    const layout = new LayoutBuilder();
    const tars = Array.from({ length: 120 }, (_, index) => {
      const script = `rm -rf t; mkdir -p t/d${index % 7}; echo ${index} > t/d${index % 7}/f${index % 13}
        [ ${index % 5} = 4 ] && touch t/d${index % 7}/.wh.f${(index + 3) % 13}
        [ ${index % 31} = 30 ] && touch t/d${index % 7}/.wh..wh..opq
        find t -exec touch -h -d @${1_700_000_000 + index} {} +; tar -C t --sort=name -cf t.tar .`;
      sh(`${script}; true`);
      return readFileSync(join(bench.root, 't.tar'));
    });
    layout.name(layout.image(tars, { gzip: true }), 'many');
    layout.writeTo(join(bench.root, 'l'));
    sh('umoci unpack --image l:many out');
    plyfs('image', 'load', '--root', 'store', '-i', 'l');
    expect(shownBy('-l', 'many')).toEqual(fingerprint(join(bench.root, 'out/rootfs')));
  });
});

/** Layers that say things in an order of their own, over BELOW; umoci applies entry by entry. */
const BELOW: readonly TarPiece[] = [
  ...['./', 'd/', 'o/', 'w/', 'usr/', 'usr/lib/'].map((name) => ({ name, type: '5' })),
  ...['d/x', 'o/x', 'o/y', 'w/x', 'f'].map((name) => ({ name, content: name })),
  { name: 'lib', type: '2', link: 'usr/lib' },
];
const ODD: readonly (readonly TarPiece[])[] = [
  [
    { name: 'd', content: 'file' },
    { name: 'd/', type: '5' },
    { name: 'd/new', content: 'n' },
  ],
  [{ name: 'o/', type: '5' }, { name: 'o/n', content: 'n' }, { name: 'o/.wh..wh..opq' }],
  [{ name: 'o/.wh..wh..opq' }],
  [{ name: '.wh.w' }, { name: 'w/', type: '5' }, { name: 'w/n', content: 'n' }],
  [{ name: '.wh.d' }, { name: 'd/.wh.x' }],
  [{ name: 'd/.wh.x' }, { name: '.wh.d' }],
  [{ name: 'f', content: 'new' }, { name: '.wh.f' }],
  [
    { name: 'f/', type: '5' },
    { name: 'f/a', content: 'a' },
  ],
  [{ name: 'd', type: '2', link: 'w' }],
  [
    { name: 'h1', content: '1' },
    { name: 'h2', type: '1', link: 'h1' },
    { name: 'h1', content: '2' },
  ],
  [
    { name: 'lib/.wh.new' },
    { name: '.wh.none' },
    { name: 'x/.wh.y' },
    { name: 'q/.wh..wh..opq' },
    { name: 'f/.wh.z' },
  ],
];

describe('images of plyfs', () => {
  beforeEach(() => {
    makeTree(join(bench.root, 'rootfs'));
    sh('tar -C rootfs --xattrs --xattrs-include="*" --format=pax -czf root.tar.gz .');
    plyfs('image', 'import', '--root', 'store', '-c', 'CMD ["/bin/sh"]', 'root.tar.gz', 'base:1');
  });

  test('skopeo copies what was saved, and umoci unpacks the tree', { timeout: TIMEOUT_MS }, () => {
    const expected = fingerprint(join(bench.root, 'rootfs'));
    expect(shownBy('-l', 'base:1')).toEqual(expected);
    plyfs('image', 'save', '--root', 'store', '-o', 'o.tar', 'base:1');
    plyfs('image', 'save', '--root', 'store', '--format', 'docker-archive', '-o', 'd.tar', 'base:1');
    sh(`skopeo copy -q oci-archive:o.tar oci:l:o; skopeo copy -q docker-archive:d.tar oci:l:d
      skopeo copy -q docker-archive:o.tar oci:l:od`);
    for (const image of ['l:o', 'l:d', 'l:od', 'store/images:base:1']) {
      sh(`rm -rf out; umoci unpack --image ${image} out`);
      expect(fingerprint(join(bench.root, 'out/rootfs'))).toEqual(expected);
    }
  });

  test('a commit is what the mount showed, for umoci too, and the same each time', {
    timeout: TIMEOUT_MS,
  }, async () => {
    const script = `mv etc moved; mkdir etc; echo other > etc/conf; chmod 600 usr/lib/data; echo x >> usr/link
      rm dev/sda; rm -r opt; mkdir opt; touch opt/fresh; mv usr/lib renamed; mkfifo fifo; echo top > top
      touch -d '1955-05-05 05:05:05.5' top; setfattr -n user.k -v v moved/conf; truncate -s 1M usr/sparse`;
    plyfs('mount', '--root', 'store', '-l', 'base:1', '--upper', 'upper', 'mnt');
    let expected: string[];
    try {
      sh(`cd mnt; ${script}`);
      expected = fingerprint(join(bench.root, 'mnt'));
    } finally {
      plyfs('umount', 'mnt');
    }
    const store = new Store(join(bench.root, 'store'));
    const image = resolveImage(store, 'base:1');
    const commit = (name: string) =>
      commitLayer(store, {
        image,
        upper: join(bench.root, 'upper'),
        work: join(bench.root, 'upper.work'),
        config: image.config.config ?? {},
        names: [name],
        created: new Date(0),
      });
    const { id } = await commit('new:1');
    expect((await commit('new:2')).id).toBe(id);
    expect(layerTreePaths(store, resolveImage(store, 'new:1').layers)).toHaveLength(2);
    expect(shownBy('-l', 'new:1')).toEqual(expected);
    sh('umoci unpack --image store/images:new:1 out');
    expect(fingerprint(join(bench.root, 'out/rootfs'))).toEqual(expected);
  });

  test('a layer that is mounted is not removed', () => {
    plyfs('mount', '--root', 'store', '-l', 'base:1', 'mnt');
    try {
      plyfs('image', 'rm', '--root', 'store', 'base:1');
      expect(sh('cat mnt/etc/conf')).toBe('text\n');
    } finally {
      plyfs('umount', 'mnt');
    }
    plyfs('image', 'prune', '--root', 'store', '-f');
    expect(sh('ls store/layers | wc -l').trim()).toBe('0');
  });

  test('a layer tar is unpacked once, and lies over an image', () => {
    mkdirSync(join(bench.root, 'app/etc'), { recursive: true });
    writeFileSync(join(bench.root, 'app/etc/app'), 'app\n');
    sh('tar -C app -czf app.tar.gz .');
    for (let round = 0; round < 2; round++) {
      plyfs('mount', '--root', 'store', '-l', 'base:1', '-l', 'app.tar.gz', 'mnt');
      expect(sh('cat mnt/etc/conf mnt/etc/app')).toBe('text\napp\n');
      plyfs('umount', 'mnt');
    }
    expect(sh('ls store/layers | wc -l').trim()).toBe('2');
  });

  test('an image is mounted over another, whole, a directory and a file of it', () => {
    const layout = new LayoutBuilder();
    const tarOf = (script: string): Buffer => {
      sh(`rm -rf t; mkdir -p t/etc/sub; ${script}; tar -C t -cf t.tar .`);
      return readFileSync(join(bench.root, 't.tar'));
    };
    const below = tarOf('echo a > t/etc/sub/a; echo b > t/etc/sub/b; echo f > t/etc/file');
    const above = tarOf('echo c > t/etc/sub/c; touch t/etc/sub/.wh.a');
    layout.name(layout.image([below, above]), 'both:1').writeTo(join(bench.root, 'l'));
    plyfs('image', 'load', '--root', 'store', '-i', 'l');
    const image = (rest: string): string[] => ['--mount', `type=image,src=both:1,${rest}`];
    plyfs(
      ...['mount', '--root', 'store', '-l', 'base:1', ...image('dst=/whole')],
      ...[...image('dst=/sub,image-subpath=etc/sub'), ...image('dst=/one,image-subpath=etc/file'), 'mnt'],
    );
    try {
      expect(sh('cd mnt; ls -m whole/etc whole/etc/sub sub | paste -sd" "; cat sub/c one')).toBe(
        'sub: b, c  whole/etc: file, sub  whole/etc/sub: b, c\nc\nf\n',
      );
      const why = JSON.parse(plyfs('why', '--format', 'json', 'mnt/etc/conf'));
      expect(why.chain[0].note).toBe('base:1: plyfs image import');
      expect(() => sh('touch mnt/sub/new')).toThrow(/Read-only file system/);
    } finally {
      plyfs('umount', 'mnt');
    }
    const missing = bench.plyfs(
      'mount',
      '--root',
      'store',
      '-l',
      'base:1',
      ...image('dst=/x,image-subpath=no'),
      'mnt',
    );
    expect(missing.stderr).toContain("the image has no directory 'no'");
  });
});
