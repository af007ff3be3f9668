/** Layers of data alone (`lowerdir=a::b`, `datadir+=b`), beside overlayfs, and each with the upper of the other. */

import { afterEach, expect, it } from 'vitest';
import { Workbench } from '../cli/plyfs-run.js';

/** Metadata in one layer, data in two others, links and directories where data should be, and data that is missing. */
const MAKE = (
  namespace: string,
): string => `mkdir -p meta/d meta/plain data/x/y data/x/directory data2/x up work at
  echo 'first data' > data/x/y/a; echo second > data2/x/b; echo hidden > data/hidden; echo top > data/x/both; echo low > data2/x/both
  mk() { truncate -s $3 meta/$1; setfattr -n ${namespace}.overlay.metacopy meta/$1; setfattr -n ${namespace}.overlay.redirect -v "$2" meta/$1; }
  mk d/a /x/y/a 11; mk b /x/b 7; mk both /x/both 4; mk miss /x/none 5; mk dir /x/directory 5; ln -s x/y/a data/link; mk link /link 11
  echo p > meta/plain/p`;

const LOOK = `ls; for f in d/a b both moved miss dir link plain/p; do stat -c '%n %s %b %a' $f; cat $f; done 2>&1 | sed 's/^[a-z]*: //'
  ls -l | awk '{print $1, $5, $NF}'`;

const CHANGE = `try() { "$@" 2>&1 | sed 's/^[a-z]*: //'; }; echo more >> d/a; chmod 600 b; mv both moved; ln d/a d/linked; try chmod 600 miss
  try truncate -s 0 dir; touch d/new`;

let bench: Workbench;

afterEach(() => bench.dispose());

function sh(script: string): string {
  const { code, stdout, stderr } = bench.run('bash', '-ec', `cd '${bench.root}'\n${script}`);
  expect([code, stderr]).toEqual([0, '']);
  return stdout;
}

type Kind = 'overlayfs' | 'plyfs';

function mount(kind: Kind, options: string): void {
  const all = `${options},upperdir=up,workdir=work`;
  if (kind === 'plyfs') {
    const { code, stderr } = bench.plyfs('mount', '-o', all, 'at');
    expect([code, stderr]).toEqual([0, '']);
  } else {
    const features = options.includes('userxattr') ? '' : ',redirect_dir=on,index=on,metacopy=on';
    sh(`mount -t overlay plyfs-test -o ${all}${features} at`);
  }
}

/** What is seen before and after changes, and then by the other of the two. */
function seenBy(kind: Kind, options: string): string {
  bench = new Workbench();
  sh(MAKE(options.includes('userxattr') ? 'user' : 'trusted'));
  const leave = 'umount at; while [ -n "$(ls -A work/work 2>/dev/null)" ]; do sleep 0.05; done';
  mount(kind, options);
  const seen = sh(`cd at; ${LOOK}; ${CHANGE}; ${LOOK}; cd ..; ${leave}`);
  mount(kind === 'plyfs' ? 'overlayfs' : 'plyfs', options);
  const exchanged = sh(`cd at; ${LOOK}; cd ..; ${leave}`);
  bench.dispose();
  return `${seen}--- by the other\n${exchanged}`;
}

it.each([
  'lowerdir=meta::data::data2',
  'lowerdir+=meta,datadir+=data,datadir+=data2',
])('%s shows and changes files whose data lies there as overlayfs does', (options) => {
  const expected = seenBy('overlayfs', options);
  expect(expected).toContain('d/a 11 8 644\nfirst data\nb 7 8 644\nsecond\nboth 4 8 644\ntop\n');
  expect(expected).not.toContain('hidden');
  expect(seenBy('plyfs', options).split('\n')).toEqual(expected.split('\n'));
});

it('userxattr leads to layers of data alone, and to no others', () => {
  const options = 'userxattr,lowerdir=meta::data::data2';
  bench = new Workbench();
  sh(MAKE('user'));
  mount('plyfs', options);
  expect(sh('cd at; cat d/a b; chmod 600 d/a; cat d/a; stat -c %s ../up/d/a')).toBe(
    'first data\nsecond\nfirst data\n11\n',
  );
  sh('umount at');
});

it.each([
  ['lowerdir=meta::data:data2', 'a layer cannot follow a layer of data alone'],
  ['lowerdir=meta:::data', 'a directory is empty'],
  ['lowerdir=::data', 'a directory is empty'],
  ['lowerdir=meta::', 'a directory is empty'],
  ['datadir+=data', "'datadir+' needs a layer above it"],
  ['lowerdir+=meta,datadir+=data,lowerdir+=data2', 'a layer cannot follow a layer of data alone'],
  ['lowerdir=meta,datadir+=data', "cannot mix 'lowerdir' with"],
])('%s is refused, by overlayfs too', (options, reason) => {
  bench = new Workbench();
  sh(MAKE('trusted'));
  const { code, stderr } = bench.plyfs('mount', '-o', options, 'at');
  expect(code).not.toBe(0);
  expect(stderr).toContain(reason);
  const kernel = bench.run(
    'bash',
    '-c',
    `cd '${bench.root}'; mount -t overlay plyfs-test -o '${options},metacopy=on' at`,
  );
  expect(kernel.code).toBe(32);
});
