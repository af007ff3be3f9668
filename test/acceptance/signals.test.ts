/**
 * Signals while a call waits: one with a handler breaks no call, as on ext4; one that ends the process ends it soon,
 * also when another with a handler came before.
 */

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Tree } from './many-files.js';

const COPIED_MIB = 24;

let tree: Tree;
beforeAll(() => {
  tree = new Tree(
    `mkdir union ../mnt2/bind ../mnt2/remote; cd union
    for n in {1..6}; do head -c ${COPIED_MIB}M /dev/zero > f$n; done; for n in {1..3}; do head -c 300M /dev/zero > large$n; done`,
    ['-v', './mnt2/bind:/bind', '-v', './mnt2/remote:/remote:remote=on'],
  );
});
afterAll(() => tree.dispose());

/** Makes each call several times with a signal every 2 ms. Prints those that failed. */
const CALLS = `
import ctypes, os, signal, sys
libc = ctypes.CDLL(None, use_errno=True)
got = 0
def note(*_):
    global got; got += 1
signal.signal(signal.SIGALRM, note)
signal.siginterrupt(signal.SIGALRM, sys.argv[1] == 'interrupts')
long = ctypes.c_long
def call(name, *args):
    # Python itself would call again after EINTR.
    result = getattr(libc, name)(*args)
    if result < 0: print(name, os.strerror(ctypes.get_errno()))
    return result
data = b'x' * (2 << 20)
files = [f for f in sorted(os.listdir(b'.')) if f.startswith(b'f')]
for f in [b'f%d' % n for n in range(1, 7) if not files]: open(f, 'wb').write(data * ${COPIED_MIB / 2})
signal.setitimer(signal.ITIMER_REAL, .002, .002)
for n in (1, 2): call('close', call('open', b'f%d' % n, os.O_RDWR))
for n in (3, 4): call('truncate', b'f%d' % n, long(${COPIED_MIB} * 1000000))
for n in (5, 6): call('rename', b'f%d' % n, b'f%d.new' % n); call('rename', b'f%d.new' % n, b'f%d' % n)
directory = call('open', b'.', os.O_RDONLY | os.O_DIRECTORY)
for n in range(12):
    name = b'new%d' % n
    fd = call('open', name, os.O_CREAT | os.O_RDWR, 0o644)
    call('fallocate', fd, 0, long(0), long(1 << 20))
    os.pwrite(fd, data, 0)
    call(('fsync', 'fdatasync')[n % 2], fd)
    at = ctypes.c_int64(0)
    other = call('open', name + b'c', os.O_CREAT | os.O_RDWR, 0o644)
    call('copy_file_range', fd, ctypes.byref(at), other, None, ctypes.c_size_t(len(data)), 0)
    call('ftruncate', fd, long(4096))
    call('fsync', other)
    call('fsync', directory)
    call('close', fd); call('close', other); call('unlink', name)
signal.setitimer(signal.ITIMER_REAL, 0)
print('signals:', got > 20)
`;

describe('calls of a process with a timer and a handler', () => {
  for (const where of ['union', 'bind', 'remote']) {
    it.each(['restarts', 'interrupts'])(`all succeed on ${where} when the handler %s`, (mode) => {
      const script = `cd ${where}; rm -f new*; python3 - ${mode} << 'END'\n${CALLS}\nEND`;
      expect(tree.inside(script)).toBe('signals: True\n');
    });
  }
});

describe('a process that gets signals with a handler while it waits for a long copy', () => {
  /** Sends it one more signal. @returns its status, and whether it waited for the copy. */
  function signalled(file: string, signal: string): string {
    const script = `
import os, signal
for one in signal.SIGALRM, signal.SIGHUP: signal.signal(one, lambda *_: None)
signal.setitimer(signal.ITIMER_REAL, .01, .01)
os.close(os.open('${file}', os.O_WRONLY))
signal.setitimer(signal.ITIMER_REAL, 0)`;
    return tree.inside(
      `cd union; python3 -c "${script}" & pid=$!
      until [[ "\${stack[*]}" = *request_wait_answer* ]]; do mapfile -t stack < /proc/$pid/stack; done
      sleep .1; kill -${signal} $pid
      wait $pid 2> /dev/null && status=0 || status=$?
      echo $status; [ -e ../../upper/union/${file} ] && echo waited || echo left
      cmp ${file} ../../lower/union/${file} && echo same`,
    );
  }

  it.each([
    ['large1', 'KILL', 137],
    ['large2', 'TERM', 143],
  ])('of %s, and then SIG%s, ends without its file', (file, signal, status) => {
    expect(signalled(file, signal)).toBe(`${status}\nleft\nsame\n`);
  });

  it('of large3, and then one more of them, gets its file', () => {
    expect(signalled('large3', 'HUP')).toBe('0\nwaited\nsame\n');
  });
});
