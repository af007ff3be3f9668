/** Users who make the daemon keep many files open: others go on, with a limit that is raised and with one that is not. */

import { readFileSync } from 'node:fs';
import { afterEach, describe, expect, it } from 'vitest';
import { CAP_SYS_RESOURCE, hasCapability } from '../../src/linux/process/process.js';
import { cliScript, Workbench } from '../cli/plyfs-run.js';

const LIMIT = 512;
const NODE = [process.execPath, cliScript];

let bench: Workbench;
afterEach(() => {
  if (bench.mounted().length > 0) expect(bench.plyfs('umount', 'm').stderr).toBe('');
  bench.dispose();
});

/** Mounts with few descriptors; `starter` may take the right to have more away. */
function mount(...starter: string[]): void {
  bench = new Workbench('l/d', 'u', 'm', 'host');
  bench.run('bash', '-c', 'echo layer > l/d/f; mkdir l/d/{1..100}; chmod -R 777 .');
  const started = ['-c', `ulimit -n ${LIMIT}; exec "$0" "$@"`, ...starter, ...NODE];
  const options = ['-l', 'l', '--upper', 'u', '-v', './host:/bind'];
  expect(bench.run('bash', ...started, 'mount', ...options, 'm')).toMatchObject({ code: 0, stderr: '' });
}

/** Holds files as a user, removed or not, while a script runs. @returns what both print. */
function holding(
  files: { uid: number; where: string; count: number; removed: boolean },
  script: string,
): string {
  const program = `
import os, resource, subprocess, sys
resource.setrlimit(resource.RLIMIT_NOFILE, (5000, 5000))
if ${files.uid}: os.setgroups([]); os.setgid(${files.uid}); os.setuid(${files.uid})
held = []
try:
    for i in range(${files.count}):
        name = '${files.where}/held%d' % i
        held.append(os.open(name, os.O_CREAT | os.O_RDWR, 0o666))
        if ${files.removed ? 1 : 0}: os.unlink(name)
except OSError as error: print(error.strerror)
print(len(held), flush=True)
sys.stdin.readline()
for i, fd in enumerate(held): assert os.pwrite(fd, b'%d' % i, 0) > 0 and os.pread(fd, 9, 0) == b'%d' % i`;
  const { code, stdout, stderr } = bench.run(
    'bash',
    '-c',
    `coproc holder { python3 -c "$0"; }
    while read -ru "\${holder[0]}" line; do echo "$line"; [[ $line = [0-9]* ]] && break; done
    ${script}
    to=\${holder[1]}; pid=$holder_PID; echo >&$to; wait $pid`,
    program,
  );
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  return stdout;
}

const IN_UNION = `cat m/d/f; find m/d -type d | wc -l; echo new > m/new; cat m/new; mkdir m/dir
  mv m/new m/dir; rm -r m/dir; rmdir m/d/7`;
const IN_BIND = 'echo bound > m/bind/new; cat m/bind/new; rm m/bind/new';
const UNION_DONE = 'layer\n101\nnew\n';
const ALL_DONE = `${UNION_DONE}bound\n`;

it('a daemon raises its limit of descriptors where it may', () => {
  mount();
  const limits = readFileSync(`/proc/${bench.pid()}/limits`, 'utf8');
  const limit = Number(/Max open files\s+(\d+)/.exec(limits)![1]);
  const shown = holding({ uid: 0, where: 'm', count: 700, removed: true }, IN_UNION);
  if (hasCapability(CAP_SYS_RESOURCE)) {
    expect(limit).toBeGreaterThan(100_000);
    expect(shown).toBe(`700\n${UNION_DONE}`);
  } else {
    expect(limit).toBe(LIMIT);
    expect(shown).toMatch(new RegExp(`^Too many open files\\n[34]\\d\\d\\n${UNION_DONE}$`));
  }
});

describe.each([
  ['removed files', true],
  ['open files', false],
])('a daemon whose limit may not be raised, with a user of many %s', (_, removed) => {
  it.each(['m', 'm/bind'])('serves root and what he has in %s', (where) => {
    mount('setpriv', '--bounding-set=-sys_resource', '--inh-caps=-sys_resource');
    const shown = holding({ uid: 1000, where, count: 700, removed }, `${IN_UNION}\n${IN_BIND}`);
    // A file of upper that has its name needs no descriptor.
    if (!removed && where === 'm') expect(shown).toBe(`700\n${ALL_DONE}`);
    else expect(shown).toMatch(new RegExp(`^Too many open files\\n\\d{3}\\n${ALL_DONE}$`));
  });
});
