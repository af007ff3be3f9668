/**
 * What is done through descriptors of files and directories of a layer after their names went: the same as on a plain
 * directory. (Kernel overlayfs refuses it: EEXIST for files, ENOTDIR for directories.)
 */

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Tree } from './many-files.js';

const LAYER = `for f in file before anew replaced; do echo "content $f" > $f; done; echo linked > one; ln one two
  ln -s x symlink; mkfifo fifo; mkdir -p dir tree/sub; echo z > tree/sub/f; head -c 3M /dev/zero > big`;

/** Prints each call with what came of it. */
const PROBE = `
import ctypes, errno, os, stat
libc = ctypes.CDLL(None, use_errno=True)
def chown_empty(fd):
    if libc.fchownat(fd, b'', 3, 4, 0x1000) < 0: raise OSError(ctypes.get_errno(), '')
def attempt(what, call):
    try: print(what, call())
    except OSError as error: print(what, errno.errorcode[error.errno])
def shown(fd):
    found = os.fstat(fd)
    return oct(found.st_mode), found.st_uid, found.st_gid, found.st_nlink, found.st_mtime_ns if found.st_mtime_ns < 10**18 else 'now'
def attributes(fd):
    path = '/proc/self/fd/%d' % fd
    for what, call in (
        ('fchmod', lambda: os.fchmod(fd, 0o701)), ('fchown', lambda: os.fchown(fd, 1, 2)), ('futimens', lambda: os.utime(fd, (1, 2))),
        ('fsetxattr', lambda: os.setxattr(fd, 'user.a', b'1')), ('flistxattr', lambda: os.listxattr(fd)),
        ('fgetxattr', lambda: os.getxattr(fd, 'user.a')), ('shown', lambda: shown(fd)),
        ('fremovexattr', lambda: os.removexattr(fd, 'user.a')), ('again', lambda: os.removexattr(fd, 'user.a')),
        ('fsync', lambda: os.fsync(fd)), ('chmod by proc', lambda: os.chmod(path, 0o711)), ('empty path', lambda: chown_empty(fd)),
        ('shown', lambda: shown(fd))): attempt(what, call)
def data(fd):
    path = '/proc/self/fd/%d' % fd
    attempt('truncate', lambda: os.truncate(path, 3))
    attempt('read', lambda: (os.pread(fd, 20, 0), os.fstat(fd).st_size))
    def write():
        writer = os.open(path, os.O_RDWR)
        os.pwrite(writer, b'XY', 1); os.ftruncate(writer, 9); os.posix_fallocate(writer, 0, 12); os.fsync(writer)
        return os.pread(writer, 20, 0), os.fstat(writer).st_size
    attempt('write', write)
    attempt('read', lambda: os.pread(fd, 20, 0))
    attempt('open again', lambda: os.read(os.open(path, os.O_RDONLY), 20))
def removed(name, flags=0):
    print(name)
    fd = os.open(name, flags)
    os.rmdir(name) if stat.S_ISDIR(os.fstat(fd).st_mode) else os.unlink(name)
    return fd
fd = removed('file'); attributes(fd); data(fd)
os.chmod('before', 0o604); fd = removed('before'); attributes(fd); data(fd)
fd = removed('one'); os.unlink('two'); attributes(fd); data(fd)
fd = removed('anew'); open('anew', 'w').write('new'); attributes(fd); data(fd); attempt('anew', lambda: open('anew').read())
fd = os.open('replaced', 0); open('other', 'w').write('new'); os.rename('other', 'replaced'); attributes(fd); data(fd)
attempt('replaced', lambda: (open('replaced').read(), oct(os.stat('replaced').st_mode)))
fd = removed('tree/sub/f'); os.rmdir('tree/sub'); os.rmdir('tree'); attributes(fd); data(fd)
fd = removed('dir'); attributes(fd); attempt('list', lambda: os.listdir(fd)); attempt('mkdir', lambda: os.mkdir('x', dir_fd=fd))
fd = removed('symlink', os.O_PATH | os.O_NOFOLLOW); attempt('chown', lambda: chown_empty(fd)); attempt('shown', lambda: shown(fd)[1:4])
fd = removed('fifo', os.O_PATH); attempt('chown', lambda: chown_empty(fd)); attempt('shown', lambda: shown(fd))
fd = removed('big'); attempt('fchmod', lambda: os.fchmod(fd, 0o604))
attempt('write', lambda: os.pwrite(os.open('/proc/self/fd/%d' % fd, os.O_RDWR), b'x', 2 << 20)); attempt('read', lambda: os.pread(fd, 2, 2 << 20))
print(sorted(os.listdir('.')))
`;

let tree: Tree;

beforeAll(() => {
  tree = new Tree(LAYER);
});
afterAll(() => tree.dispose());

describe('a file or directory of a layer whose name went while it was open', () => {
  it('takes every change through its descriptor, as on a plain directory', () => {
    tree.shell('.', 'cp -a lower plain');
    const before = tree.shell('lower', "find . -printf '%p %s %m %U %T@\\n' | sort; cat file one");
    const probe = `timeout 20 python3 - <<'END'\n${PROBE}\nEND`;
    const plain = tree.shell('plain', probe);
    expect(plain).toContain("fchmod None\nfchown None\nfutimens None\nfsetxattr None\nflistxattr ['user.a']");
    expect(tree.inside(probe)).toBe(plain);
    expect(tree.shell('lower', "find . -printf '%p %s %m %U %T@\\n' | sort; cat file one")).toBe(before);
    // Of what was removed nothing is left in upper but whiteouts.
    expect(tree.shell('upper', 'find . -type f | sort')).toBe('./anew\n./replaced\n');
  });
});
