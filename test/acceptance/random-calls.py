"""Random calls in a directory, each compared with what it must do: `random-calls.py DIRECTORY SEED STOP`, until STOP exists.

A line for each call that failed or showed something else; at the end how many there were. The directory is made.
"""

import os
import random
import sys

base, seed, stop = sys.argv[1], int(sys.argv[2]), sys.argv[3]
choice = random.Random(seed)
files, directories, removed = {}, [''], []
count = 0


def at(name):
    return os.path.join(base, name)


def new(kind):
    return choice.choice(directories) + kind + str(count)


def some_file():
    return choice.choice(sorted(files))


def same(what, got, wanted):
    if got != wanted:
        print(f'call {count}: {what} is {got!r:.80}, not {wanted!r:.80}', flush=True)


def create():
    name, data = new('file'), choice.randbytes(choice.randrange(1, 5000))
    fd = os.open(at(name), os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o644)
    os.write(fd, data)
    os.close(fd)
    files[name] = data


def mkdir():
    name = new('directory')
    os.mkdir(at(name))
    directories.append(name + '/')


def rename():
    old, name = some_file(), new('moved')
    os.rename(at(old), at(name))
    files[name] = files.pop(old)


def replace():
    old, name = some_file(), some_file()
    if old == name:
        return
    os.rename(at(old), at(name))
    files[name] = files.pop(old)


def rename_directory():
    if len(directories) < 3:
        return
    old, name = choice.choice(directories[1:]), f'other{count}/'
    os.rename(at(old), at(name))
    moved = lambda path: name + path[len(old):] if path.startswith(old) else path
    directories[:] = [moved(path) for path in directories]
    for path in list(files):
        files[moved(path)] = files.pop(path)


def unlink():
    name = some_file()
    os.unlink(at(name))
    del files[name]


def link():
    old, name = some_file(), new('linked')
    os.link(at(old), at(name))
    os.unlink(at(old))
    files[name] = files.pop(old)


def symlink():
    name = new('symlink')
    os.symlink(name, at(name))
    same('a symlink', os.readlink(at(name)), name)
    os.unlink(at(name))


def attribute():
    name, key = some_file(), f'user.key{count}'
    os.setxattr(at(name), key, b'value', os.XATTR_CREATE)
    same('an attribute', os.getxattr(at(name), key), b'value')
    os.removexattr(at(name), key)


def open_and_unlink():
    name = some_file()
    removed.append([os.open(at(name), os.O_RDWR), files.pop(name)])
    os.unlink(at(name))
    if len(removed) > 5:
        os.close(removed.pop(0)[0])


def use_removed():
    if not removed:
        return
    one = choice.choice(removed)
    fd, data = one
    same('a removed file', os.pread(fd, 100_000, 0), data)
    status = os.fstat(fd)
    same('its size and links', (status.st_size, status.st_nlink), (len(data), 0))
    os.pwrite(fd, b'z', len(data))
    os.fchmod(fd, 0o600)
    one[1] = data + b'z'


def append():
    name = some_file()
    with open(at(name), 'ab') as file:
        file.write(b'more')
    files[name] += b'more'


def truncate():
    name = some_file()
    os.truncate(at(name), 3)
    files[name] = files[name][:3].ljust(3, b'\0')


def read():
    name = some_file()
    with open(at(name), 'rb') as file:
        same(name, file.read(), files[name])


def listing():
    path = choice.choice(directories)
    below = [name[len(path):] for name in [*files, *directories] if name.startswith(path) and name != path]
    same('a listing', sorted(os.listdir(at(path))), sorted({name.split('/')[0] for name in below}))


calls = [create, create, mkdir, rename, replace, rename_directory, unlink, link, symlink, attribute]
calls += [open_and_unlink, use_removed, append, truncate, read, listing]
os.mkdir(base)
while not os.path.exists(stop):
    count += 1
    call = choice.choice(calls) if files else create
    try:
        call()
    except OSError as error:
        print(f'call {count}: {call.__name__}: {error}', flush=True)
        break
for name, data in files.items():
    with open(at(name), 'rb') as file:
        same(name, file.read(), data)
print(f'{count} calls', flush=True)
