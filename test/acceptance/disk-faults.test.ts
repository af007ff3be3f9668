/**
 * What each operation says while the disk of upper refuses: the same as on kernel overlayfs over a disk of the same kind
 * that was brought to the same state. Nothing stays in the work directory, the mount goes on when the fault is over, and
 * the disk can be unmounted. (What refuses single blocks, device-mapper, and quotas of ext4 and xfs are not in the kernels of
 * the machines where this was written.)
 */

import { readdirSync } from 'node:fs';
import { afterEach, describe, expect, it } from 'vitest';
import { cliScript, Workbench } from '../cli/plyfs-run.js';

const LIMIT_MS = 60_000;

interface Fault {
  readonly disk: string;
  readonly begins: string;
  readonly ends?: string;
  /** What nobody may have open: a file open for writing keeps a disk from being made read-only. */
  readonly closed?: true;
  /** Lines that differ, and what plyfs says. */
  readonly differences?: Readonly<Record<string, string>>;
}

const FILL = `dd if=/dev/zero of=disk/fill bs=64k status=none 2> /dev/null; dd if=/dev/zero of=disk/fill2 bs=1k status=none 2> /dev/null
  for n in $(seq 300); do head -c 4096 /dev/zero > disk/f$n 2> /dev/null || break; done; sync`;
/** EXT4_IOC_SHUTDOWN with EXT4_GOING_FLAGS_LOGFLUSH. */
const SHUT = `python3 -c 'import fcntl, os, struct; fcntl.ioctl(os.open("disk", 0), 0x8004587d, struct.pack("I", 1))'`;
const NO_REDIRECT = 'ENOSPC';

const FAULTS: Readonly<Record<string, Fault>> = {
  'read-only': {
    disk: 'truncate -s 64M img; mkfs.ext4 -q img; mount -o loop img disk',
    begins: 'mount -o remount,ro disk',
    ends: 'mount -o remount,rw disk',
    closed: true,
    // access(2) on FUSE looks at the mode alone: there is no request for it.
    differences: { 'access for writing': 'True' },
  },
  'shut down': {
    disk: 'truncate -s 64M img; mkfs.ext4 -q img; mount -o loop img disk',
    begins: SHUT,
    // No request for it either.
    differences: { syncfs: 'None' },
  },
  full: {
    disk: 'truncate -s 24M img; mkfs.ext4 -q -m 0 img; mount -o loop img disk',
    begins: FILL,
    ends: 'rm disk/f*; sync',
    // Overlayfs gives this errno when it cannot record where a renamed file comes from, for whatever reason.
    differences: Object.fromEntries(
      ['link lower', 'rename lower', 'rename over', 'exchange', 'noreplace', 'copy_file_range'].map(
        (name) => [name, NO_REDIRECT],
      ),
    ),
  },
  'without free inodes': {
    disk: 'truncate -s 64M img; mkfs.ext4 -q -m 0 -N 128 img; mount -o loop img disk',
    begins: 'for n in $(seq 200); do : > disk/f$n || break; done 2> /dev/null; sync',
    ends: 'rm disk/f*; sync',
    // The files of layers lie on another file system.
    differences: { copy_file_range: '200000' },
  },
};

const LOWER = `mkdir low low/d low/empty; for f in a b c e g h i j k l n o p q r s t v w x y; do echo lower-$f > low/$f; done
  ln low/h low/h2; ln -s a low/sym; echo x > low/d/x; cp /bin/true low/prog; head -c 3M /dev/zero > low/big`;

const UPPER = `for f in u1 u2 u3 u4 u5 u6 u7 u8; do echo upper-$f > at/$f; done; mkdir at/ud at/ud2; echo > at/ud/x; chmod 640 at/n; ln at/u1 at/u1l; sync`;

const PROBE = `
import ctypes, errno, mmap, os, subprocess, sys
libc = ctypes.CDLL(None, use_errno=True)
os.chdir('at')
mode = os.O_RDONLY if CLOSED else os.O_RDWR
files = {name: os.open(name, flags) for name, flags in (('u2', mode), ('a', os.O_RDONLY), ('u3', mode), ('u8', mode))}
mapped = None if CLOSED else mmap.mmap(files['u2'], 6)
CLOSED or os.unlink('u8')
print('ready', flush=True)
sys.stdin.readline()
def checked(result):
    if result < 0: raise OSError(ctypes.get_errno(), '')
def opened(name, flags, act):
    fd = os.open(name, flags, 0o644)
    try: return act(fd)
    finally: os.close(fd)
def write(name, flags=os.O_WRONLY): return opened(name, flags, lambda fd: os.write(fd, b'Z' * 10000))
def synced(fd): os.write(fd, b'Z' * 10000); os.fsync(fd)
def copied(fd): return opened('big', os.O_RDONLY, lambda source: os.copy_file_range(source, fd, 200000))
def renamed(old, new, flags): checked(libc.renameat2(-100, old, -100, new, flags))
new, cut = os.O_WRONLY | os.O_CREAT, os.O_WRONLY | os.O_TRUNC
operations = {
    'stat upper': lambda: os.stat('u1').st_size, 'stat lower': lambda: os.stat('b').st_size,
    'read lower': lambda: open('b').read(), 'read open lower': lambda: os.pread(files['a'], 10, 0),
    'read upper': lambda: open('u1').read(), 'read open upper': lambda: os.pread(files['u2'], 10, 0),
    'list root': lambda: sorted(os.listdir('.')), 'list lower': lambda: os.listdir('d'), 'list upper': lambda: os.listdir('ud'),
    'readlink': lambda: os.readlink('sym'), 'listxattr': lambda: os.listxattr('u1'), 'statfs': lambda: os.statvfs('.').f_namemax,
    'missing': lambda: os.stat('nope'), 'access for writing': lambda: os.access('u1', os.W_OK),
    'write open': lambda: os.pwrite(files['u2'], b'x' * 5000, 0), 'append open': lambda: os.write(files['u3'], b'x' * 5000),
    'fsync open': lambda: os.fsync(files['u2']), 'fdatasync open': lambda: os.fdatasync(files['u2']),
    'ftruncate open': lambda: os.ftruncate(files['u2'], 2), 'fchmod open': lambda: os.fchmod(files['u2'], 0o600),
    'write removed': lambda: os.pwrite(files['u8'], b'x' * 5000, 0), 'msync': lambda: mapped and mapped.flush(),
    'create': lambda: write('new1', new), 'create and sync': lambda: opened('new2', new, synced), 'mkdir': lambda: os.mkdir('new3'),
    'mknod': lambda: os.mkfifo('new4'), 'symlink': lambda: os.symlink('x' * 200, 'new5'), 'link upper': lambda: os.link('u4', 'u4l'),
    'link lower': lambda: os.link('c', 'cl'), 'tmpfile': lambda: opened('.', os.O_TMPFILE | os.O_RDWR, lambda fd: None),
    'write lower': lambda: write('e'), 'truncate and write lower': lambda: write('g', cut), 'append lower': lambda: write('i', os.O_WRONLY | os.O_APPEND),
    'write upper': lambda: write('u4'), 'truncate and write upper': lambda: write('u5', cut), 'write big lower': lambda: write('big', os.O_RDWR),
    'write hard link': lambda: write('h'), 'write metacopy': lambda: write('n'), 'truncate lower': lambda: os.truncate('j', 1),
    'truncate upper': lambda: os.truncate('u6', 1), 'extend upper': lambda: os.truncate('u6', 1 << 22), 'chmod lower': lambda: os.chmod('k', 0o600),
    'chmod upper': lambda: os.chmod('u6', 0o600), 'chown lower': lambda: os.chown('l', 1, 1), 'utimes lower': lambda: os.utime('o', (1, 1)),
    'utimes upper': lambda: os.utime('u6', (1, 1)), 'setxattr lower': lambda: os.setxattr('p', 'user.x', b'1' * 3000),
    'setxattr upper': lambda: os.setxattr('u6', 'user.x', b'1' * 3000), 'removexattr': lambda: os.removexattr('u1', 'user.none'),
    'fallocate lower': lambda: opened('q', os.O_WRONLY, lambda fd: os.posix_fallocate(fd, 0, 100000)),
    'fallocate upper': lambda: opened('u6', os.O_WRONLY, lambda fd: os.posix_fallocate(fd, 0, 100000)),
    'copy_file_range': lambda: opened('u7', os.O_WRONLY, copied), 'rename lower': lambda: os.rename('r', 'r2'),
    'rename upper': lambda: os.rename('u7', 'u7r'), 'rename lower directory': lambda: os.rename('d', 'd2'),
    'rename upper directory': lambda: os.rename('ud2', 'ud3'), 'rename over': lambda: os.rename('s', 't'),
    'exchange': lambda: renamed(b'v', b'w', 2), 'noreplace': lambda: renamed(b'x', b'x2', 1), 'unlink lower': lambda: os.unlink('y'),
    'unlink upper': lambda: os.unlink('u1l'), 'unlink hard link': lambda: os.unlink('h2'), 'rmdir lower': lambda: os.rmdir('empty'),
    'rmdir upper': lambda: os.rmdir('ud2'), 'fsync directory': lambda: opened('ud', os.O_RDONLY, os.fsync),
    'execute': lambda: subprocess.run(['./prog']).returncode, 'syncfs': lambda: opened('.', os.O_RDONLY, lambda fd: checked(libc.syncfs(fd))),
}
def attempt(name, act):
    try: result = act()
    except OSError as error: result = errno.errorcode[error.errno]
    print(name, result, sep=': ', flush=True)
for name, act in operations.items(): attempt(name, act)
print('done', flush=True)
if not sys.stdin.readline(): sys.exit()
for name, act in {'create': lambda: write('after', new), 'append lower': lambda: write('i', os.O_WRONLY | os.O_APPEND),
    'write big lower': lambda: write('big', os.O_RDWR), 'rename lower': lambda: os.rename('a', 'a2'), 'mkdir': lambda: os.mkdir('after2'),
    'unlink lower': lambda: os.unlink('o'), 'read': lambda: open('b').read()}.items(): attempt('afterwards ' + name, act)
`;

/** Runs the probe between the beginning and the end of the fault. @returns what each operation said. */
function script({ disk, begins, ends, closed }: Fault, mount: string): string {
  const probe = PROBE.replaceAll('CLOSED', closed ? 'True' : 'False');
  return `
    ${LOWER}; mkdir disk at; ${disk}; mkdir disk/up disk/work
    trap 'umount -l at disk 2> /dev/null || :' EXIT
    ${mount}
    ${UPPER}
    coproc probe { exec python3 -c '${probe.replaceAll("'", `'"'"'`)}' 2>&1; }
    pid=$probe_PID; exec 3<&\${probe[0]} 4>&\${probe[1]}; exec {probe[1]}>&-
    until_line() { while read -r -t 30 line <&3 && [ "$line" != "$1" ]; do echo "$line"; done; [ "$line" = "$1" ]; }
    until_line ready; (${begins})
    echo >&4; until_line done
    ${ends === undefined ? '' : `find disk/work/work -mindepth 1 ! -type c; ${ends}; echo >&4`}
    exec 4>&-; cat <&3; wait $pid; exec 3<&-
    umount at
    for try in {1..50}; do ! umount disk 2> /dev/null || exit 0; sleep .1; done; exit 1`;
}

const OVERLAYFS =
  'mount -t overlay plyfs-test -o lowerdir=low,upperdir=disk/up,workdir=disk/work,redirect_dir=on,index=on,metacopy=on at';

let bench: Workbench;

afterEach(() => bench.dispose());

function said(fault: Fault, mount: string): string[] {
  bench = new Workbench();
  const { code, stdout, stderr } = bench.run('bash', '-c', script(fault, mount));
  expect([code, stderr], stdout).toEqual([0, '']);
  expect(readdirSync(`${bench.root}/at`)).toEqual([]);
  return stdout.trim().split('\n');
}

describe.each(Object.entries(FAULTS))('on a disk that is %s', (_name, fault) => {
  it('each operation says what it says on overlayfs, and all goes on afterwards', {
    timeout: LIMIT_MS,
  }, () => {
    const expected = said(fault, OVERLAYFS);
    bench.dispose();
    const plyfs = `'${process.execPath}' '${cliScript}' mount -l low --upper disk/up --work disk/work at`;
    const differences = fault.differences ?? {};
    const wanted = expected.map((line) => {
      const name = line.slice(0, line.indexOf(': '));
      return name in differences ? `${name}: ${differences[name]}` : line;
    });
    expect(said(fault, plyfs)).toEqual(wanted);
    expect(expected.length).toBeGreaterThan(60);
  });
});
