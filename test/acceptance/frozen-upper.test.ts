/** Upper's file system takes no changes for a while: who changes something waits, who reads what is there does not. */

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Workbench } from '../cli/plyfs-run.js';

/** What others may wait, on a machine that is busy with other tests; it is some 5 ms on one that is not. */
/** What waits for the disk waits four times as long; a machine that is busy with other tests takes a moment. */
const LIMIT_MS = 5_000;

/** One statement of Python each, in a directory of its own; the first column is what becomes of it while upper is frozen. */
const changes = [
  ['waits', 'create', `os.open('new', os.O_CREAT | os.O_WRONLY)`],
  ['waits', 'unlink', `os.unlink('f')`],
  ['waits', 'unlink of what a layer has', `os.unlink('low')`],
  ['waits', 'rename', `os.rename('f', 'g')`],
  ['waits', 'chmod', `os.chmod('f', 0o600)`],
  ['waits', 'setxattr', `os.setxattr('f', 'user.a', b'1')`],
  ['waits', 'truncate', `os.truncate('f', 1)`],
  ['waits', 'open with O_TRUNC', `os.open('f', os.O_WRONLY | os.O_TRUNC)`],
  ['waits', 'mkdir', `os.mkdir('d')`],
  ['waits', 'rmdir', `os.rmdir('empty')`],
  ['waits', 'link', `os.link('f', 'g')`],
  ['waits', 'symlink', `os.symlink('f', 'g')`],
  ['waits', 'mknod', `os.mknod('g', 0o10644)`],
  ['waits', 'open of a layer file for writing', `os.open('low', os.O_WRONLY)`],
  ['waits', 'write', `os.write(os.open('f', os.O_WRONLY), b'x')`],
  ['waits', 'fallocate', `os.posix_fallocate(os.open('f', os.O_WRONLY), 0, 100000)`],
  ['is done', 'fsync', `os.fsync(os.open('f', os.O_WRONLY))`],
  ['is done', 'close of a removed file', `os.close(held)`],
] as const;

const PROGRAM = `
import os, subprocess, sys, time
mount, disk, name, change, number = sys.argv[1:6]
where = f'{mount}/w/{number}'
os.chdir(where)
held = -1
if name == 'close of a removed file':
    held = os.open('f', os.O_RDWR); os.unlink('f')
read = lambda path: open(f'{mount}/{path}').read()
def store(path):
    with open(f'{mount}/{path}', 'w') as file: file.write('x')
others = {
    'stat of a known name': lambda: os.stat(f'{mount}/many/0'),
    'stat of a new name': lambda: os.stat(f'{mount}/many/1{number}'),
    'listing': lambda: os.listdir(f'{mount}/dirs/{number}'),
    'read': lambda: read(f'many/2{number}'),
    'read in a bind': lambda: read(f'bind/{number}'),
    'listing of a bind': lambda: os.listdir(f'{mount}/bind'),
    'write in a bind': lambda: store(f'bind/new{number}'),
}
os.stat(f'{mount}/many/0')
subprocess.check_call(['fsfreeze', '-f', disk])
try:
    writer = os.fork()
    if writer == 0:
        exec(change); os._exit(0)
    if held >= 0: os.close(held)
    asker = os.fork()
    if asker == 0:
        time.sleep(0.05)
        for what, ask in others.items():
            started = time.monotonic(); ask()
            print(what, int((time.monotonic() - started) * 1000), flush=True)
        os._exit(0)
    def ended(pid, limit):
        end = time.monotonic() + limit
        while time.monotonic() < end:
            if os.waitpid(pid, os.WNOHANG)[0]: return True
            time.sleep(0.01)
        return False
    answered = ended(asker, 20)
    # Time to be done, for what is not expected to wait.
    is_done = ended(writer, 20 if sys.argv[6] == 'is done' else 0.05)
finally: subprocess.check_call(['fsfreeze', '-u', disk])
if not answered: os.waitpid(asker, 0)
if not is_done: os.waitpid(writer, 0)
print('is done' if is_done else 'waits')`;

let bench: Workbench;
beforeAll(() => {
  bench = new Workbench('l', 'disk', 'host', 'm');
  const made = bench.run(
    'bash',
    '-ec',
    `truncate -s 64M image; mkfs.ext4 -q image; mount -o loop image disk; mkdir disk/{u,w} l/{many,dirs,w}
    echo > l/many/0; for n in {0..${changes.length}}; do
      mkdir -p l/dirs/$n l/w/$n disk/u/w/$n/empty; echo $n | tee l/many/1$n l/many/2$n l/w/$n/low disk/u/w/$n/f host/$n > /dev/null
    done`,
  );
  expect(made).toMatchObject({ code: 0, stderr: '' });
  const options = ['-l', 'l', '--upper', 'disk/u', '--work', 'disk/w', '-v', './host:/bind'];
  expect(bench.plyfs('mount', ...options, 'm')).toMatchObject({ code: 0, stderr: '' });
});
afterAll(() => {
  expect(bench.plyfs('umount', 'm').stderr).toBe('');
  bench.run('umount', 'disk');
  bench.dispose();
});

describe('while upper is frozen', () => {
  it.each(
    changes.map((change, number) => [...change, number] as const),
  )('%s: %s, and others go on', (fate, name, change, number) => {
    const { root } = bench;
    const { code, stdout, stderr } = bench.run(
      'timeout',
      '60',
      'python3',
      '-c',
      PROGRAM,
      `${root}/m`,
      `${root}/disk`,
      name,
      change,
      String(number),
      fate,
    );
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    const lines = stdout.trim().split('\n');
    expect(lines.pop()).toBe(fate);
    expect(lines.length).toBe(7);
    for (const line of lines) expect(Number(line.split(' ').pop()), line).toBeLessThan(LIMIT_MS);
  });
});
