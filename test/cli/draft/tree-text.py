"""A tree as text: type, mode, owner, size, content, symlink, attributes, times, and which names are one file.

Usage: tree-text.py DIRECTORY [exact]. Times of this year are `now`, unless exact, when inode numbers stand there too.
"""

import hashlib
import os
import stat
import sys

root = os.fsencode(sys.argv[1])
is_exact = len(sys.argv) > 2
first_names = {}


def line(path):
    found = os.lstat(path)
    shown = os.path.relpath(path, root)
    first = first_names.setdefault((found.st_dev, found.st_ino), shown)
    parts = [ascii(shown), oct(found.st_mode), found.st_uid, found.st_gid, found.st_nlink if not stat.S_ISDIR(found.st_mode) else '']
    if stat.S_ISREG(found.st_mode):
        with open(path, 'rb') as data:
            parts += [found.st_size, hashlib.sha256(data.read()).hexdigest()[:16], ascii(first)]
    if stat.S_ISLNK(found.st_mode):
        parts.append(ascii(os.readlink(path)))
    parts += [(name, os.getxattr(path, name, follow_symlinks=False)) for name in sorted(os.listxattr(path, follow_symlinks=False))]
    parts.append(found.st_mtime_ns if is_exact or found.st_mtime < 1700000000 else 'now')
    if is_exact:
        parts.append(found.st_ino)
    print(*parts)


line(root)
for folder, folders, files in os.walk(root):
    folders.sort()
    for name in sorted(folders + files):
        line(os.path.join(folder, name))
