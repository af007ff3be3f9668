/**
 * Users who share a bind: each does there what the host lets him do to what he really meets, also while another swaps the
 * objects under his names. One side works through the mount, the other on the host, thousands of rounds each; a canary
 * in the victim's files tells when somebody got at them.
 */

import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, chownSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { untilIs, Workbench } from '../cli/plyfs-run.js';

const VICTIM = 1001;
const ATTACKER = 1002;
const GROUP = 1500;
const RACE_MS = 2_500;
/** Rounds below which a race was none: on a busy machine it takes longer. */
const FEWEST = 300;

let bench: Workbench;
let host: string;
let mount: string;

beforeAll(() => {
  bench = new Workbench('layer', 'upper', 'share', 'closed', 'mnt');
  chmodSync(bench.root, 0o755);
  host = join(bench.root, 'share');
  mount = join(bench.root, 'mnt/share');
  writeFileSync(join(bench.root, 'closed/file'), 'shown');
  chmodSync(join(bench.root, 'closed'), 0o700);
  const binds = ['-v', './share:/share', '-v', './closed/file:/file'];
  const mounted = bench.plyfs('mount', '-l', 'layer', '--upper', 'upper', ...binds, 'mnt');
  expect(mounted).toMatchObject({ code: 0 });
});

afterAll(() => {
  expect(bench.plyfs('umount', 'mnt')).toMatchObject({ code: 0 });
  bench.dispose();
});

/** A directory of the share for one test. @returns its name. */
function directory(name: string, mode: number): string {
  mkdirSync(join(host, name));
  chmodSync(join(host, name), mode);
  return name;
}

/**
 * A script of one user in a directory; it prints its counts as JSON. The victim makes the file `enough` there after FEWEST rounds.
 * Attackers go on for RACE_MS and FEWEST rounds and until they find it, for all begin when the scheduler lets them; then they
 * make the file `over`, and the others go on until that is there.
 */
function actor(uid: number, cwd: string, body: string): Promise<Record<string, number>> {
  const script = `const fs = require('node:fs'); const end = Date.now() + ${RACE_MS};
    let rounds = 0, hits = 0; const goesOn = (at) => rounds < ${FEWEST} || Date.now() < end || !fs.existsSync(at + '/enough'); ${body}; console.log(JSON.stringify({ rounds, hits }))`;
  const child = spawn(process.execPath, ['-e', script], { cwd, uid, gid: uid, timeout: 60_000 });
  let output = '';
  let errors = '';
  child.stdout.on('data', (chunk) => {
    output += chunk;
  });
  child.stderr.on('data', (chunk) => {
    errors += chunk;
  });
  return new Promise((resolve, reject) => {
    child.on('close', (code) =>
      code === 0 ? resolve(JSON.parse(output)) : reject(new Error(`actor ended with ${code}: ${errors}`)),
    );
  });
}

/** Runs what expects errors of a race, and fails for others. */
const TRY = `const attempt = (run) => { try { return run(); } catch (error) {
  if (!['ENOENT', 'EEXIST', 'EACCES', 'EPERM', 'ESTALE', 'EIO'].includes(error.code) && error.errno !== -116) throw error; } };`;

it('open with O_CREAT never opens the new private file of another', async () => {
  const name = directory('create', 0o777);
  const victim = actor(
    VICTIM,
    join(host, name),
    `${TRY} for (; !fs.existsSync('over'); rounds++) {
       if (rounds === ${FEWEST}) fs.writeFileSync('enough', '');
       attempt(() => fs.writeFileSync('x', 'canary', { mode: 0o600, flag: 'wx' }));
       attempt(() => fs.unlinkSync('x'));
     }`,
  );
  const attacker = actor(
    ATTACKER,
    join(mount, name),
    `${TRY} for (; goesOn('.'); rounds++) {
       const fd = attempt(() => fs.openSync('x', fs.constants.O_CREAT | fs.constants.O_RDWR, 0o666));
       if (fd === undefined) continue;
       if (fs.fstatSync(fd).uid !== ${ATTACKER} || fs.readFileSync(fd, 'utf8').includes('canary')) hits++;
       fs.closeSync(fd);
       attempt(() => fs.unlinkSync('x'));
     } fs.writeFileSync('over', '')`,
  );
  const [hid, tried] = await Promise.all([victim, attacker]);
  expect(hid.rounds).toBeGreaterThanOrEqual(FEWEST);
  expect(tried.rounds).toBeGreaterThanOrEqual(FEWEST);
  expect(tried.hits).toBe(0);
}, 120_000);

it.each([
  ['unlink', `fs.unlinkSync(mount + '/n')`],
  ['rename away', `fs.renameSync(mount + '/n', mount + '/gone')`],
  ['rename over it', `fs.renameSync(mount + '/mine', mount + '/n')`],
])(
  '%s in a sticky directory never meets what another has put there meanwhile',
  async (title, attack) => {
    const name = directory(`sticky-${title.replaceAll(' ', '-')}`, 0o1777);
    // The name is in turn a file of the attacker's, which he takes away on the host, and one of the victim's.
    const victim = actor(
      VICTIM,
      join(host, name),
      `${TRY} for (; !fs.existsSync('over'); rounds++) {
       if (rounds === ${FEWEST}) fs.writeFileSync('enough', '');
       if (attempt(() => { fs.writeFileSync('n', 'canary', { flag: 'wx' }); return true; }) !== true) continue;
       for (let spin = 0; spin < 2000; spin++);
       try { if (fs.readFileSync('n', 'utf8') !== 'canary') hits++; fs.unlinkSync('n'); } catch (error) { hits++; }
     }`,
    );
    const swapper = actor(
      ATTACKER,
      join(host, name),
      `${TRY} for (; !fs.existsSync('over'); rounds++) {
       attempt(() => fs.writeFileSync('n', 'bait', { flag: 'wx' }));
       attempt(() => fs.unlinkSync('n'));
     }`,
    );
    const attacker = actor(
      ATTACKER,
      '/',
      `${TRY} const mount = ${JSON.stringify(join(mount, name))}; for (; goesOn(mount); rounds++) {
       ${title === 'rename over it' ? `attempt(() => fs.writeFileSync(mount + '/mine', 'x'));` : ''}
       attempt(() => ${attack});
     } fs.writeFileSync(mount + '/over', '')`,
    );
    const [hid, , tried] = await Promise.all([victim, swapper, attacker]);
    expect(hid.rounds).toBeGreaterThanOrEqual(FEWEST);
    expect(tried.rounds).toBeGreaterThanOrEqual(FEWEST);
    expect(hid.hits).toBe(0);
  },
  120_000,
);

/** What a user gets for a line of shell in the mount. */
function as(uid: number, line: string, ...groups: number[]): string {
  const list = groups.length === 0 ? '--clear-groups' : `--groups=${groups.join(',')}`;
  const options = [`--reuid=${uid}`, `--regid=${uid}`, list, 'sh', '-c', line];
  const { stdout, stderr } = spawnSync('setpriv', options, { cwd: mount, encoding: 'utf8', timeout: 60_000 });
  return `${stdout}${stderr}`.trim();
}

it('a caller has his supplementary groups, and those alone', () => {
  const name = directory('groups', 0o2770);
  chownSync(join(host, name), 0, GROUP);
  expect(as(ATTACKER, `echo x >${name}/f`)).toMatch(/Permission denied/);
  expect(as(ATTACKER, `echo x >${name}/f && chgrp ${GROUP} ${name}/f && cat ${name}/f`, GROUP)).toBe('x');
  const { uid, gid } = statSync(join(host, name, 'f'));
  expect({ uid, gid }).toEqual({ uid: ATTACKER, gid: GROUP });
  expect(as(ATTACKER, `chgrp ${GROUP + 1} ${name}/f`, GROUP)).toMatch(/not permitted/);
});

it('setgid is kept by a chmod of a member of the group, and taken by that of another', () => {
  const name = directory('setgid', 0o777);
  writeFileSync(join(host, name, 'f'), '');
  chownSync(join(host, name, 'f'), ATTACKER, GROUP);
  as(ATTACKER, `chmod 2755 ${name}/f`, GROUP);
  expect(statSync(join(host, name, 'f')).mode & 0o7777).toBe(0o2755);
  as(ATTACKER, `chmod 2755 ${name}/f`);
  expect(statSync(join(host, name, 'f')).mode & 0o7777).toBe(0o755);
});

it('a caller with a capability of root has it in the mount too', () => {
  const name = directory('capable', 0o700);
  writeFileSync(join(host, name, 'f'), 'secret', { mode: 0o600 });
  const line = `cat ${join(mount, name, 'f')}`;
  const options = [
    '--reuid',
    `${ATTACKER}`,
    '--regid',
    `${ATTACKER}`,
    '--clear-groups',
    '--inh-caps',
    '+dac_override',
  ];
  const run = (...more: string[]) =>
    spawnSync('setpriv', [...options, ...more, 'sh', '-c', line], { encoding: 'utf8', timeout: 60_000 });
  expect(run().stderr).toMatch(/Permission denied/);
  expect(run('--ambient-caps', '+dac_override').stdout).toBe('secret');
});

it('root of a user namespace has his own files there, and no others', () => {
  const name = directory('namespace', 0o777);
  writeFileSync(join(host, name, 'his'), 'his', { mode: 0o000 });
  chownSync(join(host, name, 'his'), ATTACKER, ATTACKER);
  writeFileSync(join(host, name, 'other'), 'other', { mode: 0o600 });
  const inside = 'id -u; cat his; cat other; mkdir -m 0 own; touch own/f && ls own';
  const path = join(mount, name);
  expect(as(ATTACKER, `cd ${path} && unshare -Ur sh -c '${inside}'`)).toBe(
    '0\nhisf\ncat: other: Permission denied',
  );
});

it('root works in the union and in the bind as ever, also between requests of others', () => {
  const name = directory('root', 0o755);
  const line = `echo theirs >${mount}/${name}/f; echo ours >${mount}/own; rm ${mount}/own; ls -ld ${mount}/${name}`;
  for (let round = 0; round < 5; round++) {
    expect(as(ATTACKER, `cat ${name}/f`)).toMatch(round === 0 ? /No such file/ : /theirs/);
    expect(bench.run('sh', '-c', line)).toMatchObject({ code: 0, stderr: '' });
  }
  expect(readFileSync(join(host, name, 'f'), 'utf8')).toBe('theirs\n');
});

it('a single file is shown to all whom its own mode lets in, whatever its directory on the host', () => {
  expect(as(ATTACKER, 'cat ../file')).toBe('shown');
  expect(as(ATTACKER, 'echo x >>../file')).toMatch(/Permission denied/);
});

it('a file held open goes on though its directory is closed to the one who has it', () => {
  const name = directory('held', 0o777);
  const line = `exec 3<>${name}/f; echo one >&3; (cd ${name} && sleep 0.01; cat f)`;
  expect(as(ATTACKER, line)).toBe('one');
  chmodSync(join(host, name), 0o700);
  expect(as(ATTACKER, `cat ${name}/f`)).toMatch(/Permission denied/);
});

/** Threads of a process that no strace has yet. */
function untraced(pid: string): string[] {
  return readdirSync(`/proc/${pid}/task`).filter((task) =>
    /^TracerPid:\s*0$/m.test(readFileSync(`/proc/${pid}/task/${task}/status`, 'latin1')),
  );
}

it('requests of one caller switch the identity once', async () => {
  const name = directory('switches', 0o777);
  const pid = String(bench.pid());
  const log = join(bench.root, 'strace.log');
  const calls = 'setgroups,setfsuid,setfsgid,capset';
  const tracer = bench.start('strace', '-f', '-qq', '-e', `trace=${calls}`, '-o', log, '-p', pid);
  const ended = once(tracer, 'exit');
  try {
    await untilIs(() => untraced(pid).join(' '), '');
    const body = `for (let n = 0; n < 200; n++) { require('node:fs').writeFileSync('f' + n, 'x'); }`;
    const options = ['--reuid', `${ATTACKER}`, '--regid', `${ATTACKER}`, '--groups', `${GROUP}`];
    const cwd = join(mount, name);
    const ran = spawnSync('setpriv', [...options, process.execPath, '-e', body], { cwd, timeout: 60_000 });
    expect(ran.status).toBe(0);
  } finally {
    tracer.kill('SIGINT');
    await ended;
  }
  const made = readFileSync(log, 'latin1')
    .split('\n')
    .filter((line) => new RegExp(calls.replaceAll(',', '|')).test(line));
  expect(made.length).toBeGreaterThan(0);
  expect(made.length).toBeLessThan(100);
}, 120_000);
