/**
 * The power goes while an upper and a store are changed: the disk below is one whose writes and flushes are recorded
 * (helpers/recorded-disk.ts), and is looked at as it is after a cut at any moment, with some of what was not flushed yet. What fsync
 * promised is there, all else is old or new, kernel overlayfs sees the same, and a store is whole.
 */

import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { Workbench } from '../cli/plyfs-run.js';
import { DiskRecord } from '../helpers/disk-at-cut.js';
import { LayoutBuilder } from '../helpers/oci-layout.js';
import { distPath, projectRoot } from '../helpers/project-paths.js';
import { tarBytes } from '../helpers/tar-bytes.js';

const LIMIT_MS = 300_000;
const CUTS = 6;
const DIRECTORIES = 80;
const WORK_SECONDS = 5;
/** Which cuts, and what of the unflushed writes survives: other ones with PLYFS_SEED. */
const SEED = Number(process.env.PLYFS_SEED ?? 1);

let bench: Workbench;
let seed: number;
beforeEach(() => {
  bench = new Workbench('low', 'src', 'fuse', 'disk', 'at');
  seed = SEED;
});
afterEach(() => {
  sh('umount -l at disk fuse 2> /dev/null || :');
  bench.dispose();
}, LIMIT_MS);

function sh(script: string): string {
  const { code, stdout, stderr } = bench.run('bash', '-ec', script);
  expect([code, stderr], stdout).toEqual([0, '']);
  return stdout;
}

function plyfs(...args: string[]): string {
  const { code, stdout, stderr } = bench.plyfs(...args);
  expect([code, stderr]).toEqual([0, '']);
  return stdout;
}

function fillLayer(): void {
  sh(`for n in {1..${DIRECTORIES}}; do mkdir -p low/$n/sub; cd low/$n; echo file > file; echo x > sub/x; echo h > hard; ln hard hard2
    head -c 300000 /dev/urandom > big; cd ../..; done`);
}

const programIn = (directory: string): string =>
  `python3 -IS '${projectRoot}/test/acceptance/power-cuts.py' "$PWD/${directory}"`;

/** Numerical Recipes' generator. @returns a number from 0 to below 1. */
function random(): number {
  seed = (Math.imul(seed, 1664525) + 1013904223) >>> 0;
  return seed / 2 ** 32;
}

/** What happens on a mounted disk until `act` is over, from an empty file system on. */
async function recorded(act: () => void): Promise<DiskRecord> {
  sh(
    `truncate -s 64M src/img; mkfs.ext4 -qF -E nodiscard,lazy_itable_init=0,lazy_journal_init=0 src/img; cp src/img base; : > record`,
  );
  const paths = ['src', 'fuse', 'record'].map((name) => `${bench.root}/${name}`);
  const disk = spawn(process.execPath, [distPath('test/helpers/recorded-disk.js'), ...paths], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const ended = once(disk, 'exit');
  await once(disk.stdout, 'data');
  try {
    sh('mount -o loop fuse/img disk');
    act();
    return new DiskRecord(`${bench.root}/record`);
  } finally {
    // A mount namespace that another test has made meanwhile may have the disk, and so its image, for long: it is not waited for.
    sh('umount disk; umount -l fuse');
    disk.kill('SIGKILL');
    await ended;
  }
}

/** Looks at the disk after cuts at random moments; the last has lost nothing. @returns how many cuts there were. */
function atEachCut(record: DiskRecord, look: (recordSize: number) => void): number {
  for (let cut = 1; cut <= CUTS; cut++) {
    const entries = cut === CUTS ? record.length : Math.floor(random() * record.length);
    // A file of its own: where somebody's mount namespace has a copy of the last mount, its loop device would be taken again.
    record.write(
      `${bench.root}/base`,
      `${bench.root}/cut${cut}`,
      entries,
      () => cut === CUTS || random() < 0.5,
    );
    sh(`mount -o loop cut${cut} disk`);
    look(record.sizeAfter(entries));
    sh(`umount disk; rm cut${cut}`);
  }
  return CUTS;
}

it('an upper has what fsync promised, all else old or new, and overlayfs agrees', {
  timeout: LIMIT_MS,
}, async () => {
  fillLayer();
  const mount = ['mount', '-l', 'low', '--upper', 'disk/up', '--work', 'disk/work', 'at'];
  const program = programIn('at');
  const record = await recorded(() => {
    sh('mkdir disk/up disk/work; sync -f disk');
    plyfs(...mount);
    sh(`${program} work "$PWD/record" ${WORK_SECONDS} > made`);
    plyfs('umount', 'at');
  });
  const made = readFileSync(`${bench.root}/made`, 'utf8').trim().split('\n').length;
  expect(made).toBeGreaterThan(5);
  const total = { old: 0, new: 0, between: 0 };
  atEachCut(record, (size) => {
    // Nothing is there yet when the power went at the very beginning.
    sh('mkdir -p disk/up disk/work');
    const look = (): string => {
      const [counts = '', ...wrong] = sh(`${program} check ${size} < made`).trim().split('\n').reverse();
      expect(wrong).toEqual([]);
      return counts;
    };
    const listing = `cd at; find . -type f -exec md5sum {} + | sort; find . -printf '%P %y %m %s %l\\n' | sort`;
    plyfs(...mount);
    const counts = JSON.parse(look()) as typeof total;
    const shown = sh(listing);
    plyfs('umount', 'at');
    expect(readdirSync(`${bench.root}/disk/work/work`).filter((name) => name.startsWith('#'))).toEqual([]);
    sh(
      'mount -t overlay plyfs-test -o lowerdir=low,upperdir=disk/up,workdir=disk/work,redirect_dir=on,index=on,metacopy=on at',
    );
    expect(look()).toBe(JSON.stringify(counts).replaceAll(/([:,])/g, '$1 '));
    expect(sh(listing)).toBe(shown);
    sh('umount at');
    for (const key of ['old', 'new', 'between'] as const) total[key] += counts[key];
  });
  expect(total.old).toBeGreaterThan(0);
  expect(total.new).toBeGreaterThan(made);
});

it('an upper of a volatile mount is refused after a cut, by overlayfs too; taken all the same, it lacks what was promised', {
  timeout: LIMIT_MS,
}, async () => {
  const mount = ['mount', '-l', 'low', '--upper', 'disk/up', '--work', 'disk/work'];
  const program = programIn('at');
  fillLayer();
  const record = await recorded(() => {
    sh('mkdir disk/up disk/work; sync -f disk');
    plyfs(...mount, '-o', 'volatile', 'at');
    sh(`${program} work "$PWD/record" 1 > made`);
    // All flushes until now.
    sh('cp record early');
    plyfs('umount', 'at');
  });
  expect(record.length).toBeGreaterThan(0);
  const early = new DiskRecord(`${bench.root}/early`);
  early.write(`${bench.root}/base`, `${bench.root}/cut`, early.length, () => false);
  sh('mount -o loop cut disk');
  const refused = bench.plyfs(...mount, 'at');
  expect(refused.code).toBe(1);
  expect(refused.stderr).toContain('was mounted with -o volatile');
  const overlay = bench.run(
    'mount',
    '-t',
    'overlay',
    'plyfs-test',
    '-o',
    'lowerdir=low,upperdir=disk/up,workdir=disk/work',
    'at',
  );
  expect(overlay.code).not.toBe(0);
  // Which shows that the other tests would see it.
  sh('rm -r disk/work/work/incompat');
  plyfs(...mount, 'at');
  expect(sh(`${program} check ${early.sizeAfter(early.length)} < made`)).toContain('should be new');
  plyfs('umount', 'at');
  sh('umount disk');
});

it('a store is whole: what a command has told of is there, of the rest nothing is half there', {
  timeout: LIMIT_MS,
}, async () => {
  const builder = new LayoutBuilder();
  const tars = ['one', 'two'].map((name) => tarBytes({ name, content: name.repeat(3000) }));
  builder.name(builder.image(tars, { gzip: true }), 'app:1');
  const layout = builder.writeTo(`${bench.root}/layout`);
  const store = (...args: string[]): string => plyfs('--root', 'disk/store', ...args);
  const told: { readonly what: string; readonly size: number }[] = [];
  const tell = (what: string): void => void told.push({ what, size: statSync(`${bench.root}/record`).size });
  const record = await recorded(() => {
    store('image', 'load', '-i', layout);
    tell('image app:1');
    store('volume', 'create', 'data');
    tell('volume data');
    sh('head -c 200000 /dev/urandom > file; tar -cf volume.tar file');
    store('volume', 'import', 'filled', 'volume.tar');
    tell('volume filled');
    store('create', '--name', 'box', 'app:1', 'true');
    tell('container box');
    store('cp', 'file', 'box:/added');
    store('commit', 'box', 'made:1');
    tell('image made:1');
    store('rm', 'box');
    tell('no container box');
    store('image', 'rm', 'app:1');
    tell('no image app:1');
  });
  const added = readFileSync(`${bench.root}/file`);
  atEachCut(record, (size) => {
    sh('mkdir -p disk/store');
    const there = [
      ...store('image', 'ls', '--format', '{{.Repository}}:{{.Tag}}')
        .split('\n')
        .filter(Boolean)
        .map((name) => `image ${name}`),
      ...store('volume', 'ls', '-q')
        .split('\n')
        .filter(Boolean)
        .map((name) => `volume ${name}`),
      ...store('ps', '-a', '--format', '{{.Names}}')
        .split('\n')
        .filter(Boolean)
        .map((name) => `container ${name}`),
    ];
    for (const [index, one] of told.entries()) {
      if (one.size > size) break;
      const isUndone = told.slice(index + 1).some(({ what }) => what === `no ${one.what}`);
      if (one.what.startsWith('no ')) expect(there).not.toContain(one.what.slice(3));
      else if (!isUndone) expect(there).toContain(one.what);
    }
    // Any command that takes the lock mends what is left.
    store('volume', 'create', 'next');
    for (const folder of ['pending', 'trash'])
      expect(readdirSync(`${bench.root}/disk/store/${folder}`)).toEqual([]);
    const blobs = `${bench.root}/disk/store/images/blobs/sha256`;
    for (const hex of there.some((one) => one.startsWith('image')) ? readdirSync(blobs) : [])
      expect(
        createHash('sha256')
          .update(readFileSync(`${blobs}/${hex}`))
          .digest('hex'),
      ).toBe(hex);
    for (const image of there.filter((one) => one.startsWith('image')).map((one) => one.slice(6))) {
      store('mount', '-l', image, 'at');
      expect(sh('cat at/one at/two')).toBe('one'.repeat(3000) + 'two'.repeat(3000));
      if (image === 'made:1') expect(readFileSync(`${bench.root}/at/added`)).toEqual(added);
      plyfs('umount', 'at');
    }
    if (there.includes('volume filled'))
      expect(readFileSync(`${bench.root}/disk/store/volumes/filled/_data/file`)).toEqual(added);
  });
});
