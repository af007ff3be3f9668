"""A random program: the same seed does the same to the same tree, wherever it runs.

Usage: random-program.py SEED STEPS, in the directory that it changes. Names come from a small alphabet, so that they meet again.
"""

import os
import random
import shutil
import stat
import sys

seed, steps = int(sys.argv[1]), int(sys.argv[2])
draw = random.Random(seed)
NAMES = ['a', 'b', 'c', 'd', 'e', '.hidden', 'caf\u00e9', 'x y']


def everything():
    found = []
    for folder, folders, files in os.walk('.'):
        folders.sort()
        found += [(os.path.join(folder, name), False) for name in sorted(files)]
        found += [(os.path.join(folder, name), not os.path.islink(os.path.join(folder, name))) for name in folders]
    return sorted(found)


def pick(kind):
    chosen = [path for path, is_folder in everything() if kind(path, is_folder)]
    return draw.choice(chosen) if chosen else None


def folder():
    return draw.choice(['.'] + [path for path, is_folder in everything() if is_folder])


def place():
    return os.path.join(folder(), draw.choice(NAMES))


def regular(path, _):
    return stat.S_ISREG(os.lstat(path).st_mode)


def anything(_path, _is_folder):
    return True


def write():
    path = place()
    if not os.path.lexists(path) or regular(path, False):
        with open(path, 'ab' if draw.random() < 0.5 else 'wb') as out:
            out.write(bytes(draw.randrange(256) for _ in range(draw.randrange(200))))


def overwrite():
    path = pick(regular)
    if path:
        with open(path, 'r+b') as out:
            out.seek(draw.randrange(50))
            out.write(b'overwritten')


def replace():
    path = pick(regular)
    if path:
        with open(path + '.new', 'wb') as out:
            out.write(b'replaced %d' % draw.randrange(9))
        os.rename(path + '.new', path)


def remove():
    path = pick(lambda _path, is_folder: not is_folder)
    if path:
        os.unlink(path)


def remove_tree():
    path = pick(lambda _path, is_folder: is_folder)
    if path and draw.random() < 0.5:
        shutil.rmtree(path)


def make_folder():
    path = place()
    if not os.path.lexists(path):
        os.mkdir(path, 0o755)


def rename():
    source, target = pick(anything), place()
    if source and not (target + '/').startswith(source + '/'):
        try:
            os.rename(source, target)
        except OSError:
            pass


def link():
    source, target = pick(regular), place()
    if source and not os.path.lexists(target):
        os.link(source, target)


def symlink():
    target = place()
    if not os.path.lexists(target):
        os.symlink(draw.choice(['a', '../b', '/etc/passwd']), target)


def special():
    target = place()
    if not os.path.lexists(target):
        os.mkfifo(target, 0o600)


def chmod():
    path = pick(lambda path, _: not os.path.islink(path))
    if path:
        os.chmod(path, draw.choice([0o600, 0o644, 0o750, 0o755, 0o1777, 0o2755]))


def chown():
    path = pick(anything)
    if path:
        os.lchown(path, draw.choice([0, 1, 1000]), draw.choice([0, 1, 1000]))


def xattr():
    path = pick(lambda path, is_folder: is_folder or regular(path, is_folder))
    if path:
        name = draw.choice(['user.one', 'user.two', 'trusted.three'])
        if name in os.listxattr(path) and draw.random() < 0.5:
            os.removexattr(path, name)
        else:
            os.setxattr(path, name, b'v%d' % draw.randrange(9))


def touch():
    path = pick(anything)
    if path:
        when = 1600000000000000000 + draw.randrange(10**15)
        os.utime(path, ns=(when, when), follow_symlinks=False)


OPERATIONS = [write, write, overwrite, overwrite, replace, remove, remove, remove_tree, make_folder, rename, rename, rename]
OPERATIONS += [link, link, symlink, special, chmod, chown, xattr, touch]
os.umask(0o022)
for _ in range(steps):
    draw.choice(OPERATIONS)()
