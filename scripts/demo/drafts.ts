/**
 * What the demo shows of drafts: a command let loose on a folder of the host, looked at, kept in part, taken back.
 */

import type { Scene } from './demo-steps.js';

const store = '--root state';
const treeSum = "find tryout -printf '%p %y %m %U %s %T@ %i %l\\n' | sort | sha256sum";

/** @throws DemoFailure at the first thing that is not as promised. */
export async function playDrafts({ narrator }: Scene): Promise<void> {
  narrator.title('A command is tried on a folder of this host: the host stays as it is');
  await narrator.run(
    'mkdir -p tryout/src tryout/logs; seq 9 >tryout/list; echo data >tryout/src/file; echo old >tryout/logs/1',
    { that: 'the folder is there' },
  );
  const before = await narrator.run(treeSum, { that: 'its checksum is taken' });
  await narrator.run(
    `plyfs try ${store} -q --name trial -C tryout sh -c \\
    'sed -i s/5/five/ list; mv src source; rm -r logs; mkdir bin; cp /bin/true bin/t; chmod u+s bin/t; ls'`,
    { that: 'the command sees what it does', equals: 'bin\nlist\nsource' },
  );
  await narrator.run(treeSum, { that: 'nothing of the host has changed', equals: before });
  await narrator.run(`plyfs review ${store} trial | grep -v '^[A-Z@]'`, {
    that: 'texts show as hunks',
    matches: /^-5\n\+five$/m,
  });
  await narrator.run(`plyfs review ${store} --stat trial | cut -c1`, {
    that: 'every change is told, deletions first, the rename as one',
    equals: 'D\nR\nA\nA\nC',
  });
  await narrator.run(`plyfs apply ${store} --yes trial 2>&1 || true`, {
    that: 'a setuid program wants a word of its own',
    matches: /nothing is applied.*--allow-setuid/,
  });
  await narrator.run(
    `plyfs apply ${store} --yes --allow-setuid trial >/dev/null; ls tryout; sed -n 5p tryout/list`,
    {
      that: 'now the host has all of it',
      equals: 'bin\nlist\nsource\nfive',
    },
  );
  await narrator.run(`plyfs undo ${store} 2>/dev/null; ${treeSum}`, {
    that: 'undo gives every file back, inode by inode',
    equals: `trial\n${before}`,
  });
  await narrator.run(`plyfs discard ${store} trial; plyfs drafts ${store} -q | wc -l`, {
    that: 'the draft is thrown away',
    equals: 'trial\n0',
  });
}
