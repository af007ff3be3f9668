/** What the layers of an image hold: searched, counted, compared. */

import { execFileSync } from 'node:child_process';
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { resolveImage } from '../../../src/image/catalog/image-index.js';
import { layerTreePaths } from '../../../src/image/catalog/layer-record.js';
import { compareTrees } from '../../../src/image/contents/compare-trees.js';
import { DirectorySizes } from '../../../src/image/contents/directory-sizes.js';
import { type Criteria, findObjects } from '../../../src/image/contents/find-objects.js';
import { ImageLayers } from '../../../src/image/contents/image-layers.js';
import { wastedBytes } from '../../../src/image/contents/wasted-bytes.js';
import { openMirrorView } from '../../../src/mounts/mirror/open-mirror-view.js';
import { deleteTree } from '../../../src/store/delete-tree.js';
import { Store } from '../../../src/store/store.js';
import { openView } from '../../../src/union/open-view.js';
import { nameFromText } from '../../../src/vfs/name.js';
import { addImage } from '../../helpers/images.js';

const root = mkdtempSync(join(tmpdir(), 'plyfs-contents-'));
const store = new Store(join(root, 'store'));

function sh(directory: string, script: string): void {
  execFileSync('sh', ['-euc', `umask 022; ${script}`], { cwd: directory });
}

/** Layers by scripts, bottom first. */
function image(name: string, ...scripts: readonly string[]): void {
  addImage(
    store.root,
    { name },
    scripts.map((script) => (directory: string) => sh(directory, script)),
  );
}

const OPAQUE = 'setfattr -n trusted.overlay.opaque -v y';

beforeAll(() => {
  image(
    'stack:latest',
    'mkdir -p d/below e/f; echo secret > d/key; echo x > d/below/x; echo 1 > e/f/one; ln e/f/one linked; echo low > plain; mkdir t; echo in > t/in',
    'mkdir -p d e; mknod d/key c 0 0; rm -rf e; mkdir e; echo 2 > e/two; ' +
      `${OPAQUE} e; echo file > t; echo changed > plain; chmod 4755 plain`,
    'echo again > d-new; mkdir d; echo secret > d/key2; mknod plain c 0 0; mkdir e; chown 7:8 e',
  );
  image(
    'sizes:latest',
    'head -c 9000 /dev/zero > old; head -c 5000 /dev/urandom > same; head -c 10 /dev/zero > small; ln old older',
    'cp ../../*/tree/same copy 2>/dev/null || exit 1; head -c 10 /dev/zero > small2; mknod old c 0 0; echo > older',
  );
});
afterAll(() => deleteTree(root));

function found(name: string, criteria: Criteria = {}): string[] {
  using layers = new ImageLayers(store, resolveImage(store, name));
  return [...findObjects(layers, criteria)].map(({ path, layer, hiddenBy }) =>
    hiddenBy === undefined
      ? `${layer.number} ${path}`
      : `${layer.number} ${path} ${hiddenBy.kind} ${hiddenBy.layer.number}`,
  );
}

describe('findObjects()', () => {
  test('tells all objects of all layers once, and what hides which', () => {
    expect(found('stack')).toEqual([
      '3 d',
      '3 d-new',
      '3 e',
      '1 e opaque 2',
      '1 linked',
      '2 plain whiteout 3',
      '1 plain whiteout 3',
      '2 t',
      '1 t replaced 2',
      '1 d/below',
      '1 d/key whiteout 2',
      '3 d/key2',
      '1 d/below/x',
      '1 e/f opaque 2',
      '2 e/two',
      '1 e/f/one opaque 2',
      '1 t/in replaced 2',
    ]);
  });

  test.each<[string, Criteria, string[]]>([
    ['content', { content: Buffer.from('secret') }, ['1 d/key whiteout 2', '3 d/key2']],
    ['mode', { anyMode: 0o6000 }, ['2 plain whiteout 3']],
    ['owner', { uid: 7, gid: 8 }, ['3 e']],
    ['path and what shows', { path: (path) => path.startsWith('e/'), isHidden: false }, ['2 e/two']],
    ['size', { minBytes: 8, type: 'file' }, ['2 plain whiteout 3']],
    ['time', { sinceMs: Date.now() + 60_000 }, []],
  ])('finds by %s', (_, criteria, expected) => {
    expect(found('stack', criteria)).toEqual(expected);
  });

  test('finds what lies across the pieces that a file is read in', () => {
    const edge = (1 << 20) - 3;
    image('edge:latest', `head -c ${edge} /dev/zero > f; printf needle >> f; head -c 100 /dev/zero >> f`);
    expect(found('edge', { content: Buffer.from('needle') })).toEqual(['1 f']);
    expect(found('edge', { content: Buffer.from('needles') })).toEqual([]);
  });

  test('goes through layers deeper than a path may be long', () => {
    const script = `python3 -c 'import os
for i in range(400):
    os.mkdir("d" * 20); os.chdir("d" * 20)
open("end", "w").close()'`;
    image('deep:latest', script);
    expect(found('deep', { type: 'file' })).toHaveLength(1);
  });
});

describe('wastedBytes()', () => {
  test('counts what is hidden or there twice, once whatever names it has', () => {
    using layers = new ImageLayers(store, resolveImage(store, 'sizes'));
    const { totalBytes, wastedBytes: wasted, bytesOf, files } = wastedBytes(layers);
    expect(bytesOf).toEqual({ rewritten: 0, deleted: 9000, duplicated: 5000 });
    expect([totalBytes, wasted]).toEqual([9000 + 5000 + 10 + 5000 + 10 + 1, 14_000]);
    expect(
      files.map(({ path, kind, layer, causedBy }) => [path, kind, layer.number, causedBy.number]),
    ).toEqual([
      ['old', 'deleted', 1, 2],
      ['copy', 'duplicated', 2, 2],
    ]);
    expect(files[1]!.sameAs).toMatchObject({ path: 'same', layer: { number: 1 } });
  });
});

function differences(before: string, after: string, ignoresTimes = true): string[] {
  const [a, b] = [before, after].map((script) => {
    const directory = mkdtempSync(join(root, 'tree-'));
    sh(directory, script);
    return openMirrorView(nameFromText(directory));
  });
  try {
    return compareTrees(a!, b!, { ignoresTimes }).map(({ kind, path, from, aspects }) =>
      [kind, ...(from === undefined ? [] : [from]), path, ...aspects].join(' '),
    );
  } finally {
    a!.detach();
    b!.detach();
  }
}

describe('compareTrees()', () => {
  test('finds none between two that are alike', () => {
    const script = 'mkdir d; echo x > d/x; ln -s d l; mkfifo p; mknod c c 1 3; setfattr -n user.a -v 1 d/x';
    expect(differences(script, script)).toEqual([]);
  });

  test.each([
    ['content of the same size', 'echo a > f', 'echo b > f', ['C f content']],
    ['mode and owner', 'echo a > f', 'echo a > f; chown 1:2 f; chmod 600 f', ['C f mode owner']],
    ['targets of symlinks', 'ln -s a l', 'ln -s b l', ['C l target']],
    ['attributes', 'echo a > f', 'echo a > f; setfattr -n user.x -v y f', ['C f xattrs']],
    ['devices', 'mknod d c 1 3', 'mknod d c 1 5', ['C d device']],
    ['a file for a symlink', 'echo a > f', 'ln -s a f', ['C f type']],
    ['a file for a directory', 'echo a > f', 'mkdir f; echo b > f/x', ['D f', 'A f', 'A f/x']],
    ['what is new and gone', 'mkdir a; echo 1 > a/x', 'mkdir b; echo 22 > b/y', ['D a', 'A b', 'A b/y']],
    ['a renamed directory', 'mkdir -p a/s; echo 1 > a/s/x', 'mkdir -p b/s; echo 1 > b/s/x', ['R a b']],
    ['a renamed file', 'echo 1 > a', 'echo 1 > b', ['R a b']],
    ['two that look alike', 'echo 1 > a; echo 2 > b', 'echo 2 > c; echo 1 > d', ['R b c', 'R a d']],
    [
      'empty ones, which are no renames',
      'touch a; mkdir d',
      'touch b; mkdir e',
      ['D a', 'A b', 'D d', 'A e'],
    ],
    ['the root', 'true', 'chmod 711 .', ['C  mode']],
  ])('tells %s', (_, before, after, expected) => {
    expect(differences(before, after)).toEqual(expected);
  });

  test('counts times unless told not to', () => {
    const [before, after] = ['touch -d @1 f .', 'touch -d @2.5 f; touch -d @1 .'];
    expect(differences(before, after, false)).toEqual(['C f time']);
    expect(differences(before, after)).toEqual([]);
  });

  test('does not read what two images share', () => {
    image('base:latest', 'echo 1 > f');
    const layers = layerTreePaths(store, resolveImage(store, 'base').layers).map(nameFromText);
    const [a, b] = [openView({ layers }), openView({ layers })];
    for (const view of [a, b])
      view.open = () => {
        throw new Error('read');
      };
    expect(compareTrees(a, b, { ignoresTimes: false })).toEqual([]);
    a.detach();
    b.detach();
  });
});

describe('DirectorySizes', () => {
  test('counts the bytes of all layers in each directory, hidden files too, linked ones once', () => {
    using layers = new ImageLayers(store, resolveImage(store, 'sizes'));
    const sizes = new DirectorySizes(layers);
    const entries = sizes.at('')!.map(({ name, byLayer }) => [name, ...byLayer]);
    expect(entries).toEqual([
      ['old', [1, 9000]],
      ['copy', [2, 5000]],
      ['same', [1, 5000]],
      ['small', [1, 10]],
      ['small2', [2, 10]],
      ['older', [2, 1]],
    ]);
    expect(sizes.at('nothing')).toBeUndefined();
  });
});

describe('UnionFileSystem.layered()', () => {
  /** `NAME LAYER...` of each name of a directory; what is hidden is in parentheses. */
  function listed(name: string, path: string, upper?: { path: string; work: string }): string[] | undefined {
    const layers = layerTreePaths(store, resolveImage(store, name).layers).map(nameFromText);
    const fs = openView(upper === undefined ? { layers } : { layers, upper });
    try {
      using directory = fs.layered(path.split('/').filter((one) => one !== ''));
      return directory?.names().map((one) => {
        const objects = directory.eachObject(one, ({ layer, hiddenBy }) => (hiddenBy ? `(${layer})` : layer));
        return [one, ...objects].join(' ');
      });
    } finally {
      fs.detach();
    }
  }

  test('tells which layers have a name, and what is hidden', () => {
    expect(listed('stack', '')).toEqual([
      'd 0 1 2',
      'd-new 0',
      'e 0 1 (2)',
      'linked 2',
      'plain (1) (2)',
      't 1 (2)',
    ]);
    expect(listed('stack', 'd')).toEqual(['below 2', 'key (2)', 'key2 0']);
    expect(listed('stack', 'e')).toEqual(['f (2)', 'two 1']);
    expect(listed('stack', 't')).toEqual(['in (2)']);
    expect(listed('stack', 'linked')).toBeUndefined();
    expect(listed('stack', 'no/such')).toBeUndefined();
  });

  test('finds what lies below a directory that was renamed', () => {
    const upper = { path: join(root, 'up'), work: join(root, 'work') };
    sh(
      root,
      'mkdir up work up/moved; mknod up/d c 0 0; setfattr -n trusted.overlay.redirect -v d up/moved; echo own > up/moved/own',
    );
    expect(listed('stack', 'moved', upper)).toEqual(['below 3', 'key (3)', 'key2 1', 'own 0']);
  });
});
