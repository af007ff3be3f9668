"""Random reads, writes, truncations, maps, holes and opens of one file, as fsx makes them: `random-file.py FILE SEED STOP`, until STOP exists.

All that is read is compared with what the file must hold. A line where something failed or differed; at the end how many calls there were.
The file is made.
"""

import ctypes
import errno
import mmap
import os
import random
import sys

path, seed, stop = sys.argv[1], int(sys.argv[2]), sys.argv[3]
choice = random.Random(seed)
libc = ctypes.CDLL(None, use_errno=True)
MOST_BYTES, MOST_AT_ONCE = 200_000, 30_000
KEEP_SIZE_AND_PUNCH_HOLE = 3
fd = os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o644)
content = bytearray()
count = 0


def fail(what):
    print(f'call {count}: {what}', flush=True)
    sys.exit(1)


def same(offset, got):
    if got != content[offset : offset + len(got)]:
        fail(f'other bytes from {offset} to {offset + len(got)}')


def grow_to(size):
    if size > len(content):
        content.extend(bytes(size - len(content)))


def write(offset, size):
    data = choice.randbytes(size)
    grow_to(offset)
    content[offset : offset + size] = data
    os.pwrite(fd, data, offset)


def read(offset, size):
    got = os.pread(fd, size, offset)
    if len(got) != len(content[offset : offset + size]):
        fail(f'{len(got)} bytes from {offset} of {len(content)}')
    same(offset, got)


def truncate(offset, _):
    del content[offset:]
    grow_to(offset)
    os.ftruncate(fd, offset)


def change_map(offset, size):
    if not content:
        return
    offset %= len(content)
    size = min(size, len(content) - offset)
    with mmap.mmap(fd, len(content)) as shared:
        same(offset, shared[offset : offset + size])
        data = choice.randbytes(size)
        shared[offset : offset + size] = data
        content[offset : offset + size] = data


def punch(offset, size):
    size = min(size, len(content) - offset)
    if size <= 0:
        return
    if libc.fallocate(fd, KEEP_SIZE_AND_PUNCH_HOLE, ctypes.c_long(offset), ctypes.c_long(size)) == 0:
        content[offset : offset + size] = bytes(size)
    elif ctypes.get_errno() != errno.EOPNOTSUPP:
        fail(f'fallocate: {os.strerror(ctypes.get_errno())}')


def reopen(_, __):
    global fd
    os.close(fd)
    fd = os.open(path, os.O_RDWR)
    if os.fstat(fd).st_size != len(content):
        fail(f'size {os.fstat(fd).st_size}, not {len(content)}')


calls = [write, write, read, read, truncate, change_map, punch, reopen]
while not os.path.exists(stop):
    count += 1
    try:
        choice.choice(calls)(choice.randrange(MOST_BYTES), choice.randrange(1, MOST_AT_ONCE))
    except OSError as error:
        fail(error)
same(0, os.pread(fd, 2 * MOST_BYTES, 0))
print(f'{count} calls', flush=True)
