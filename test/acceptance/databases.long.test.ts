/**
 * Databases on the union and on a volume: clients at work, processes killed in the middle, recovery, and then what the
 * database says of itself. What a client was told to be committed is there, and no index or page is broken. On the
 * union those of SQLite and MariaDB come from a layer. With `-o passthrough=all` the readers of SQLite are to fail.
 */

import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Workbench } from '../cli/plyfs-run.js';

const VERSIONS = '/usr/lib/postgresql';
const POSTGRES = `${VERSIONS}/${existsSync(VERSIONS) ? readdirSync(VERSIONS).at(-1) : 'missing'}/bin`;
const LIMIT_MS = 120_000;

/** What the layer has, and the volume begins with: a database of SQLite for each kind of journal, one of MariaDB. */
const LAYER = `
  for mode in wal delete; do
    sqlite3 l/union/$mode.db "pragma journal_mode = $mode; create table t(writer, n, filler); create index i on t(writer, n);
      with recursive c(n) as (select 1 union all select n + 1 from c where n < 2000)
        insert into t select 0, n, hex(randomblob(100)) from c"
  done > /dev/null
  install -d -o mysql -m 700 l/union/maria
  mariadb-install-db --no-defaults --user=mysql --datadir=$PWD/l/union/maria --auth-root-authentication-method=normal \\
    --skip-test-db --innodb-log-file-size=8M > /dev/null`;

let bench: Workbench;
beforeAll(() => {
  bench = new Workbench('l/union', 'u', 'm', 'tmp');
  bench.run('chmod', '755', bench.root);
  bench.run('chmod', '1777', 'tmp');
  script(LAYER);
  const options = ['-l', 'l', '--upper', 'u', '--root', 'store', '-v', 'data:/volume'];
  expect(bench.plyfs('mount', ...options, 'm')).toMatchObject({ code: 0, stderr: '' });
  script('cp -a l/union/. m/volume');
}, LIMIT_MS);
afterAll(() => {
  expect(bench.plyfs('umount', 'm')).toMatchObject({ code: 0, stderr: '' });
  bench.dispose();
});

/** One that fails leaves no server or client behind. */
function script(text: string): string {
  const ending = "trap 'kill $(jobs -p) 2> /dev/null || :' EXIT\n";
  const done = spawnSync('bash', ['-e', '-o', 'pipefail', '-c', ending + text], {
    cwd: bench.root,
    // Servers run as users of their own, who may not write where tests of root's do.
    env: { ...bench.env, TMPDIR: `${bench.root}/tmp` },
    encoding: 'utf8',
    timeout: LIMIT_MS - 10_000,
    killSignal: 'SIGKILL',
  });
  expect({ status: done.status, stderr: done.status === 0 ? '' : done.stderr }).toEqual({
    status: 0,
    stderr: '',
  });
  return done.stdout;
}

describe.each(['union', 'volume'])('on %s', (where) => {
  it('PostgreSQL recovers all that was committed, with whole indexes', { timeout: LIMIT_MS }, () => {
    const shown = script(`
      as() { setpriv --reuid postgres --regid postgres --clear-groups -- "$@"; }
      sql() { as psql -qXAt -h $PWD/s -d postgres "$@"; }
      start() { as ${POSTGRES}/pg_ctl -D $data -w -t 60 -l $PWD/s/log -o "-k $PWD/s -c listen_addresses=" start > /dev/null; }
      data=$PWD/m/${where}/pg; mkdir -p s; install -d -o postgres -m 700 $data; chown postgres s
      as ${POSTGRES}/initdb -D $data -A trust --locale C --no-sync > /dev/null
      start; as ${POSTGRES}/pgbench -q -i -s 1 -h $PWD/s postgres 2> /dev/null
      as ${POSTGRES}/pgbench -c 8 -t 100000 -h $PWD/s postgres > /dev/null 2>&1 & bench=$!
      until [ "$(sql -c 'select count(*) > 300 from pgbench_history')" = t ]; do sleep .05; done
      before=$(sql -c 'select count(*) from pgbench_history')
      first=$(head -n1 $data/postmaster.pid); kill -9 $first $(pgrep -P $first); wait $bench || :
      # The last of them may still be on its way out, with its shared memory.
      until start 2> /dev/null; do sleep .2; done
      sql -c "select count(*) >= $before from pgbench_history"
      sql -c 'select (select sum(abalance) from pgbench_accounts) = sum(delta) from pgbench_history'
      sql -c 'create extension amcheck' -c "select count(bt_index_check(indexrelid, true)) > 50 from pg_index
        join pg_class on oid = indexrelid where relam = 403 and relpersistence = 'p'"
      grep -c PANIC s/log || :
      as ${POSTGRES}/pg_ctl -D $data -m fast -w stop > /dev/null; rm -rf s`);
    expect(shown).toBe('t\nt\nt\n0\n');
  });

  it('redis keeps in its log what it has acknowledged', { timeout: LIMIT_MS }, () => {
    const shown = script(`
      data=$PWD/m/${where}/redis; mkdir $data; socket=$PWD/redis.sock
      redis() { redis-cli -s $socket "$@"; }
      start() { redis-server --port 0 --unixsocket $socket --dir $data --appendonly yes --appendfsync always --save '' \\
        --daemonize yes --pidfile $data/pid --logfile $PWD/redis.log > /dev/null; until redis ping > /dev/null 2>&1; do sleep .05; done; }
      start; for i in {1..500}; do echo "RPUSH list $i"; done | redis | tail -n1
      kill -9 $(cat $data/pid); while kill -0 $(cat $data/pid) 2> /dev/null; do sleep .02; done; rm -f $socket
      start; redis llen list; redis lindex list -1; redis shutdown nosave; rm -f redis.log`);
    expect(shown).toBe('500\n500\n500\n');
  });

  it.each(['wal', 'delete'])('SQLite readers opened first see all that writers commit (%s)', {
    timeout: LIMIT_MS,
  }, (mode) => {
    const shown = script(`
      db=$PWD/m/${where}/${mode}.db; ask='select count(*) from t;'
      coproc reader { exec sqlite3 -readonly -cmd '.timeout 20000' $db 2>&1; }
      told() { echo "$1" >&\${reader[1]}; read -r -t 30 answer <&\${reader[0]}; echo "$answer"; }
      told "$ask"
      for writer in {1..4}; do
        for n in $(seq $((writer < 4 ? 60 : 9999))); do echo "insert into t values($writer, $n, hex(randomblob(100))); select $n;"; done |
          sqlite3 -cmd '.timeout 20000' $db > acks.$writer & pids[writer]=$!
      done
      # While all writers live each question has an answer. Not so between the kill and the next writer: a reader that may not
      # write cannot roll back what the killed one has left. 60 kills, rollback journal, what of the answers was "attempt to write
      # a readonly database": ext4 55 of 568 questions, overlayfs 62 of 720, plyfs 39 of 2,642; before the kill none, on any.
      until [ "$(tail -n1 acks.4)" -gt 20 ] 2> /dev/null; do told "$ask" | grep -v '^[0-9][0-9]*$' || :; done
      kill -9 \${pids[4]}; wait \${pids[@]:1:3}; wait \${pids[4]} 2> /dev/null || :
      # Hence it comes second.
      for try in "sqlite3 $db" told; do
        $try 'select count(*) from t where writer < 4;'
        $try "select count(*) = max(n) and count(*) < 9999 and max(n) - $(tail -n1 acks.4) between 0 and 1 from t where writer = 4;"
        $try 'pragma integrity_check;'
      done
      exec {reader[1]}>&-; wait $reader_PID || :; rm acks.*`);
    expect(shown).toBe(`2000\n${'2180\n1\nok\n'.repeat(2)}`);
  });

  it('MariaDB recovers what each of its clients was told, whole', { timeout: LIMIT_MS }, () => {
    const shown = script(`
      data=$PWD/m/${where}/maria; install -d -o mysql my; socket=$PWD/my/socket
      sql() { mariadb --no-defaults -u root -S $socket -N "$@"; }
      start() { setpriv --reuid mysql --regid mysql --clear-groups -- mariadbd --no-defaults --datadir=$data --socket=$socket \\
        --skip-networking --pid-file=$PWD/my/pid --log-error=$PWD/my/log --innodb-log-file-size=8M & server=$!
        until sql -e 'select 1' > /dev/null 2>&1; do kill -0 $server; sleep .05; done; }
      start
      sql -e 'create database d; create table d.a(c int, n int, filler char(200), key(c, n)); create table d.b like d.a'
      for c in {1..8}; do
        for n in {1..20000}; do echo "begin; insert into a values($c, $n, uuid()); insert into b values($c, $n, uuid()); commit; select $n;"; done |
          sql -n d > my/acks.$c 2> /dev/null & clients[c]=$!
      done
      until [ "$(sql -e 'select count(*) > 1000 from d.a')" = 1 ]; do sleep .05; done
      kill -9 $server; wait $server \${clients[@]} 2> /dev/null || :
      start
      for c in {1..8}; do
        sql d -e "select count(*) = max(n) and count(*) < 20000 and max(n) - $(tail -n1 my/acks.$c) between 0 and 1 from a where c = $c"
      done | uniq -c | xargs
      sql d -e 'select count(*) from a left join b using (c, n) where b.n is null'
      sql -e 'check table d.a, d.b, mysql.global_priv, mysql.proc extended' | cut -f 4
      mariadb-admin --no-defaults -u root -S $socket shutdown; wait $server; rm -rf my`);
    expect(shown).toBe(`8 1\n0\n${'OK\n'.repeat(4)}`);
  });
});
