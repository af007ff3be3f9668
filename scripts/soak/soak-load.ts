/**
 * What works in the mounts of a soak, by the round: each program is a script of bash that runs until its file STOP is there, and says
 * what went wrong; a call that fails fails the script.
 */

import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { plyfsMain, repository } from '../repository.js';
import { bash } from '../shell.js';

const VERSIONS = '/usr/lib/postgresql';
const POSTGRES = existsSync(VERSIONS) ? `${VERSIONS}/${readdirSync(VERSIONS).at(-1)}/bin` : undefined;
const CALLS = join(repository, 'test/acceptance/random-calls.py');
const FILE = join(repository, 'test/acceptance/random-file.py');
const BUSYBOX = '/bin/busybox';
const PLYFS = `'${process.execPath}' '${plyfsMain}'`;

/** Where programs work: the union, and a bind, a volume and a tmpfs over it. */
const PLACES = ['', 'bound/', 'volume/', 'tmp/'];

interface Program {
  readonly name: string;
  readonly script: string;
}

/** @param round its number, which is the seed too. */
export function programsOf(round: number): Program[] {
  const calls = PLACES.map((place, index) => ({
    name: `calls in ${place === '' ? 'the union' : place}`,
    script: `python3 '${CALLS}' m/${place}calls ${10 * round + index} STOP && rm -rf m/${place}calls`,
  }));
  const files = PLACES.slice(0, 3).map((place, index) => ({
    name: `a file in ${place === '' ? 'the union' : place}`,
    script: `rm -f m/${place}file && python3 '${FILE}' m/${place}file ${10 * round + index} STOP`,
  }));
  const sqlite = `rm -f m/db*; sqlite3 m/db 'create table t(n); create index i on t(n)'
    until [ -e STOP ]; do sqlite3 m/db 'begin; insert into t values(random()), (random()); commit'; done
    [ "$(sqlite3 m/db 'pragma integrity_check')" = ok ]`;
  const tree = `until [ -e STOP ]; do
    mkdir m/t && tar -C layer -cf - . | tar -C m/t -xf - && diff -r layer m/t && rm -rf m/t; done`;
  const containers = `until [ -e STOP ]; do
    [ "$(${PLYFS} run --rm -v data:/data soak sh -c 'echo one > /data/c && cat /data/c')" = one ]; done`;
  const pgbench = `${POSTGRES}/pgbench -n -h "$PWD/pg" -U postgres -c 2 -T 20 postgres > pg/out 2>&1
    grep -q 'number of failed transactions: 0 ' pg/out || { cat pg/out; exit 1; }`;
  return [
    ...calls,
    ...files,
    { name: 'sqlite', script: sqlite },
    { name: 'tar and diff', script: tree },
    ...(existsSync(BUSYBOX) ? [{ name: 'containers', script: containers }] : []),
    ...(POSTGRES === undefined ? [] : [{ name: 'pgbench', script: pgbench }]),
  ];
}

/** The image of the containers, and the server of pgbench on the volume. PRECONDITION: mounted. */
export async function prepareLoad(cwd: string): Promise<void> {
  if (existsSync(BUSYBOX))
    await bash(
      `mkdir -p image/bin && cp ${BUSYBOX} image/bin/ && ln -s busybox image/bin/sh && ln -s busybox image/bin/cat &&
      tar -C image -cf image.tar . && ${PLYFS} image import image.tar soak`,
      { cwd },
    );
  if (POSTGRES === undefined) return;
  await bash(
    `install -d -o postgres -m 755 pg m/volume/pg && chmod 700 m/volume/pg
    as="setpriv --reuid postgres --regid postgres --clear-groups"
    $as ${POSTGRES}/initdb -D m/volume/pg -A trust > /dev/null
    $as ${POSTGRES}/pg_ctl -w -D m/volume/pg -o "-k $PWD/pg -h ''" -l pg/log start > /dev/null
    ${POSTGRES}/pgbench -i -q -h "$PWD/pg" -U postgres postgres > /dev/null 2>&1`,
    { cwd },
  );
}

export async function endLoad(cwd: string): Promise<void> {
  if (POSTGRES === undefined || !existsSync(join(cwd, 'm/volume/pg/postmaster.pid'))) return;
  await bash(
    `setpriv --reuid postgres --regid postgres --clear-groups ${POSTGRES}/pg_ctl -w -D m/volume/pg stop > /dev/null`,
    {
      cwd,
    },
  );
}
