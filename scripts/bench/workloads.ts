/**
 * The workloads, in the order of the table, and what plyfs must reach in each (ratio to kernel overlayfs, less is
 * better). The bars were set from measurements of the peers on one machine; docs/BENCHMARKS.md says what they mean.
 *
 * Each script is bash, run in the root of the tree measured, with $INPUTS (lower.ts), $N, the count where
 * there is one, and $STARTED, a file as old as the start. Before it: an empty upper, caches dropped, `tools` run elsewhere so that loading the programs is not measured,
 * and `warm` run in the tree.
 */

export interface Workload {
  readonly name: string;
  readonly mustReach: number;
  readonly script: string;
  /** $N; a tenth of it with --quick. */
  readonly count?: number;
  /** Untimed, in the tree, before the caches are dropped. */
  readonly prepare?: string;
  /** Untimed, in the tree, after the caches were dropped. */
  readonly warm?: string;
  /** Loads the programs into the page cache, in a scratch folder. */
  readonly tools: string;
  /** Fails when the work was not done. */
  readonly verify?: string;
  /**
   * What a plain file system (the ext4 column) needs: 'lower' is only read, [] is an empty folder, else a fresh copy of
   * these paths of the lower.
   */
  readonly needs: 'lower' | readonly string[];
}

const find = "find . -printf '%s %T@\\n' >/dev/null";
const findThrice = `${find}\n${find}\n${find}`;
const tar = 'tar cf - . | cat >/dev/null';
const bigBytes = 512 * 1024 * 1024;
const gitSetup = [
  'export GIT_CONFIG_GLOBAL=/dev/null GIT_CONFIG_NOSYSTEM=1 GIT_AUTHOR_NAME=b GIT_AUTHOR_EMAIL=b@localhost',
  'export GIT_COMMITTER_NAME=b GIT_COMMITTER_EMAIL=b@localhost',
].join('\n');

export const workloads: readonly Workload[] = [
  {
    name: 'find-cold',
    mustReach: 1.6,
    script: find,
    tools: 'find .',
    needs: 'lower',
  },
  {
    name: 'find-warm',
    mustReach: 1.2,
    script: findThrice,
    warm: findThrice,
    tools: 'find .',
    needs: 'lower',
  },
  {
    name: 'tar-read-cold',
    mustReach: 1.15,
    script: tar,
    tools: tar,
    needs: 'lower',
  },
  {
    name: 'tar-read-warm',
    mustReach: 1.2,
    script: tar,
    warm: tar,
    tools: tar,
    needs: 'lower',
  },
  {
    name: 'open-storm',
    mustReach: 1.8,
    script: 'for pass in 1 2 3 4 5; do xargs -d "\\n" cat <"$INPUTS/files.txt" >/dev/null; done',
    warm: 'xargs -d "\\n" cat <"$INPUTS/files.txt" >/dev/null',
    tools: 'xargs --version; cat "$INPUTS/files.txt"',
    needs: 'lower',
  },
  {
    name: 'untar',
    mustReach: 2.0,
    script: 'mkdir untar; tar xf "$INPUTS/tree.tar" -C untar',
    tools: 'tar tf "$INPUTS/tree.tar"; mkdir --version',
    verify: 'test "$(find untar -type f | wc -l)" -eq 6000',
    needs: [],
  },
  {
    name: 'cp-a',
    mustReach: 1.7,
    script: 'cp -a usr/share copied',
    tools: 'cp --version',
    verify: 'test "$(find usr/share | wc -l)" -eq "$(find copied | wc -l)"',
    needs: ['usr/share'],
  },
  {
    name: 'rm-rf',
    mustReach: 2.0,
    script: 'rm -rf usr/share usr/lib',
    tools: 'rm --version',
    verify: 'test ! -e usr/share -a ! -e usr/lib',
    needs: ['usr/share', 'usr/lib'],
  },
  {
    name: 'chown-R',
    mustReach: 0.25,
    script: 'chown -R 1000:1000 usr',
    tools: 'chown --version',
    verify: 'test -z "$(find usr \\( -type d -o -links 1 \\) ! -uid 1000 -print -quit)"',
    needs: ['usr'],
  },
  {
    name: 'append-all',
    mustReach: 0.6,
    script: 'find usr/share -type f -print0 | while IFS= read -r -d "" file; do printf x >>"$file"; done',
    tools: 'find .',
    verify: 'test "$(find usr/share -type f -newer "$STARTED" | wc -l)" -gt 1000',
    needs: ['usr/share'],
  },
  {
    name: 'git',
    mustReach: 1.3,
    script: [
      gitSetup,
      'cd usr/share; git init -q; git add .; git commit -q -m all; git status --short; mkdir ../out',
      'git checkout-index -a --prefix=../out/',
    ].join('\n'),
    tools: `${gitSetup}\ngit init -q; echo a >a; git add a; git commit -q -m a; git status; git checkout-index -a --prefix=o/`,
    verify: 'test "$(git -C usr/share ls-files | wc -l)" -eq "$(find usr/out ! -type d | wc -l)"',
    needs: ['usr/share'],
  },
  {
    name: 'copyup-big',
    mustReach: 0.05,
    script: 'printf x >>big',
    tools: 'true',
    verify: `test "$(stat -c %s big)" -eq ${bigBytes + 1}`,
    needs: ['big'],
  },
  {
    name: 'seq-write',
    mustReach: 1.1,
    script: 'dd if=/dev/zero of=written bs=1M count=512 status=none',
    tools: 'dd if=/dev/zero of=w bs=1M count=1',
    verify: `test "$(stat -c %s written)" -eq ${bigBytes}`,
    needs: [],
  },
  {
    name: 'seq-read-warm',
    mustReach: 1.05,
    script: 'for pass in 1 2 3; do dd if=big of=/dev/null bs=1M status=none; done',
    warm: 'dd if=big of=/dev/null bs=1M status=none',
    tools: 'dd --version',
    needs: 'lower',
  },
  {
    name: 'small-files',
    mustReach: 1.8,
    count: 4000,
    script: 'mkdir small; for ((i = 0; i < N; i++)); do echo "content of $i" >small/$i; done; rm -r small',
    tools: 'mkdir --version; rm --version',
    verify: 'test ! -e small',
    needs: [],
  },
  {
    name: 'fio-rand',
    mustReach: 1.05,
    count: 60_000,
    script: fio('random', '$N'),
    tools: fio('small', '10'),
    needs: [],
  },
  {
    name: 'sqlite',
    mustReach: 1.1,
    count: 1500,
    script: sqlite('$N'),
    tools: sqlite('1'),
    verify: 'test "$(sqlite3 db "SELECT count(*) FROM t")" -eq "$N"',
    needs: [],
  },
  {
    name: 'compile',
    mustReach: 1.1,
    count: 60,
    script:
      'for ((i = 0; i < N; i++)); do gcc -O1 -c sources/unit$i.c -o unit$i.o; done; gcc unit*.o -o program; ./program',
    prepare: 'cp -r "$INPUTS/sources" sources',
    tools: 'gcc -O1 -c "$INPUTS/sources/unit0.c" -o a.o; gcc a.o -o a',
    verify: 'test "$(ls unit*.o | wc -l)" -eq "$N"',
    needs: [],
  },
];

/** One job of random 4 KiB reads and writes in 64 MiB, which fio writes first, so that they are cached. */
function fio(file: string, count: string): string {
  const what = `--name=rand --filename=${file} --size=64M --io_size=$((4096 * ${count})) --rw=randrw --bs=4k`;
  return `fio ${what} --ioengine=psync --invalidate=0 --randseed=7 --norandommap --output=/dev/null`;
}

/** Each INSERT is a commit with its fsync. */
function sqlite(count: string): string {
  const setup =
    'PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; CREATE TABLE t(id INTEGER PRIMARY KEY, v TEXT);';
  return `{ echo "${setup}"; head -n ${count} "$INPUTS/commits.sql"; } | sqlite3 db >/dev/null`;
}
