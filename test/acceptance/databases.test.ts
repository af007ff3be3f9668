/**
 * Databases on the union and on a volume: eight clients at work, every process killed in the middle, recovery, and then
 * what the database says of itself. What a client was told to be committed is there, and no index or page is broken.
 */

import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Workbench } from '../cli/plyfs-run.js';

const VERSIONS = '/usr/lib/postgresql';
const POSTGRES = `${VERSIONS}/${existsSync(VERSIONS) ? readdirSync(VERSIONS).at(-1) : 'missing'}/bin`;
const LIMIT_MS = 120_000;

let bench: Workbench;
beforeAll(() => {
  bench = new Workbench('l', 'u', 'm');
  bench.run('chmod', '755', bench.root);
  const options = ['-l', 'l', '--upper', 'u', '--root', 'store', '-v', 'data:/volume'];
  expect(bench.plyfs('mount', ...options, 'm')).toMatchObject({ code: 0, stderr: '' });
  bench.run('mkdir', 'm/union');
});
afterAll(() => {
  expect(bench.plyfs('umount', 'm')).toMatchObject({ code: 0, stderr: '' });
  bench.dispose();
});

function script(text: string): string {
  const done = spawnSync('bash', ['-e', '-o', 'pipefail', '-c', text], {
    cwd: bench.root,
    env: bench.env,
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
});
