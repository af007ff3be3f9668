/** Filling a volume: what comes along, what is a warning, and what a cut-off copy leaves. */

import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { deleteTree } from '../../../src/store/delete-tree.js';
import { Store } from '../../../src/store/store.js';
import { readUsage } from '../../../src/store/usage-record.js';
import { createVolume } from '../../../src/volume/create-volume.js';
import { populateVolume } from '../../../src/volume/populate.js';
import { reserveVolume } from '../../../src/volume/use.js';
import { AS_NOBODY } from '../../helpers/as-nobody.js';
import { distPath } from '../../helpers/project-paths.js';

let root: string;
let from: string;
let store: Store;

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'plyfs-populate-'));
  from = join(root, 'from');
  store = new Store(join(root, 'store'));
  mkdirSync(from);
  createVolume(store, { name: 'data' });
});

afterEach(() => deleteTree(root));

function sh(script: string, cwd = root): string {
  const { status, stdout, stderr } = spawnSync('sh', ['-ec', script], { cwd, encoding: 'utf8' });
  expect([status, stderr]).toEqual([0, '']);
  return stdout;
}

/** Type, mode, owner, size, links, mtime of each name, and xattrs of all. */
function describeTree(directory: string): string {
  return sh(
    `find . -printf '%p %y %m %U:%G %n %l %T@ %D\\n' | sed 's/ [0-9]*$//' | sort
     find . -type f -printf '%p %s %b\\n' | sort
     getfattr -R -h -d -m - . 2>&1 | sort`,
    directory,
  );
}

describe('populateVolume()', () => {
  test('copies the root and the tree as they are', () => {
    sh(
      `
      mkdir -p d/sub; echo one > d/f; ln d/f d/sub/g; ln -s ../../etc/passwd d/link; mkfifo d/pipe; mknod d/null c 1 3
      truncate -s 8M d/holes; printf x | dd of=d/holes bs=1 seek=5000000 conv=notrunc status=none
      echo cap > d/cap; setfattr -n user.note -v hello d/sub; setfattr -n trusted.t -v 1 d/f; setcap cap_net_raw+ep d/cap
      setfacl -m u:1234:rwx d/sub; setfacl -d -m g:77:r d/sub
      chown 33:44 d/f .; chown -h 5:6 d/link; chmod 4711 d/f; chmod 2750 d/sub; chmod 1770 .
      printf 'n' > "$(printf 'd/\\377\\376')"
      touch -d '2001-02-03 04:05:06.123456789' d/f d/sub; touch -h -d '2002-03-04' d/link; touch -d '1999-01-01 00:00:00.5' .`,
      from,
    );
    const outcome = populateVolume({ store, name: 'data', fromDirectory: from });
    expect(outcome?.warnings).toEqual([]);
    expect(describeTree(store.path('volumes/data/_data'))).toBe(describeTree(from));
    expect(readUsage(store.path('volumes/data'))).toMatchObject({
      files: 8,
      bytes: 4 + 4 + 1 + 8 * 1024 * 1024,
    });
  });

  test('leaves a volume with something in it alone', () => {
    writeFileSync(join(from, 'f'), 'image');
    writeFileSync(store.path('volumes/data/_data/g'), 'mine');
    expect(populateVolume({ store, name: 'data', fromDirectory: from })).toBeUndefined();
    expect(readdirSync(store.path('volumes/data/_data'))).toEqual(['g']);
  });

  test('does nothing where the image has no directory', () => {
    writeFileSync(join(from, 'f'), '');
    expect(populateVolume({ store, name: 'data', fromDirectory: join(from, 'none') })).toBeUndefined();
    expect(populateVolume({ store, name: 'data', fromDirectory: join(from, 'f') })).toBeUndefined();
  });

  test('does not enter what is mounted below', () => {
    sh('mkdir below && mount -t tmpfs tmpfs below && touch below/f', from);
    try {
      populateVolume({ store, name: 'data', fromDirectory: from });
      expect(sh('find . | sort', store.path('volumes/data/_data'))).toBe('.\n./below\n');
    } finally {
      sh('umount below', from);
    }
  });

  test('a copy that fails leaves the volume empty', () => {
    sh('echo 1 > a; mkdir z; truncate -s 20M z/big; yes | head -c 3000000 > z/full', from);
    createVolume(store, { name: 'small', options: { type: 'tmpfs', device: 'tmpfs', o: 'size=1m' } });
    expect(() => populateVolume({ store, name: 'small', fromDirectory: from })).toThrow(/no space left/);
    using use = reserveVolume(store, 'small');
    expect(readdirSync(use.path)).toEqual([]);
  });

  test('a copy that was cut off is undone by the next user, and done by the next container', () => {
    writeFileSync(join(from, 'f'), 'image');
    const cutOff = () => {
      writeFileSync(store.path('volumes/data/_data/half'), '');
      mkdirSync(store.path('volumes/data/_data/deep/below'), { recursive: true });
      writeFileSync(store.path('volumes/data/filling'), '');
    };
    cutOff();
    {
      using use = reserveVolume(store, 'data');
      expect(readdirSync(use.path)).toEqual([]);
    }
    cutOff();
    populateVolume({ store, name: 'data', fromDirectory: from });
    expect(readFileSync(store.path('volumes/data/_data/f'), 'utf8')).toBe('image');
    expect(readdirSync(store.path('volumes/data/_data'))).toEqual(['f']);
  });

  test('a chown that is refused is a warning, and so is a device that cannot be made', () => {
    sh(
      'echo 1 > from/f; chown 33:33 from/f; mknod from/null c 1 3; chmod 755 . ; mkdir theirs; chown 65534:65534 theirs',
    );
    // As a user who may not: storage that refuses root as well is not to be had everywhere.
    const script = `
      import { createVolume } from ${JSON.stringify(distPath('src/volume/create-volume.js'))};
      import { populateVolume } from ${JSON.stringify(distPath('src/volume/populate.js'))};
      import { Store } from ${JSON.stringify(distPath('src/store/store.js'))};
      const store = new Store(${JSON.stringify(join(root, 'theirs/store'))});
      createVolume(store, { name: 'data' });
      const outcome = populateVolume({ store, name: 'data', fromDirectory: ${JSON.stringify(from)} });
      console.log(JSON.stringify(outcome.warnings));`;
    const args = [...AS_NOBODY, process.execPath, '--input-type=module', '-e', script];
    const { stdout, stderr } = spawnSync('setpriv', args, { cwd: '/', encoding: 'utf8', timeout: 10_000 });
    expect(stderr).toBe('');
    expect(JSON.parse(stdout)).toEqual([
      expect.stringMatching(/^'.+' and perhaps others keep another owner$/),
      "'null' is left out: a special file cannot be made there",
    ]);
    expect(readFileSync(join(root, 'theirs/store/volumes/data/_data/f'), 'utf8')).toBe('1\n');
  });
});
