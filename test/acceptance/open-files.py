"""What programs do with a file that they have open while others change it: `open-files.py DIRECTORY`.

DIRECTORY holds a file of 64 KiB of 'a' for each name that `open-files.py --names` prints. A line a case comes out, to be
compared between file systems: nothing here says what is right.
"""

import ctypes
import errno
import fcntl
import mmap
import os
import select
import signal
import struct
import sys
import time

libc = ctypes.CDLL(None, use_errno=True)
SIZE = 65536
F_SETLEASE, F_GETLEASE, F_NOTIFY = 1024, 1025, 1026
POSIX, OFD = (6, 5), (37, 36)  # SETLK, GETLK
WRITE_LOCK, READ_LOCK = 1, 0
RWF = {'HIPRI': 1, 'DSYNC': 2, 'SYNC': 4, 'APPEND': 16, 'ATOMIC': 64}
cases = []


def case(function):
    cases.append(function)
    return function


def attempt(function, *arguments):
    try:
        return function(*arguments)
    except OSError as error:
        return errno.errorcode[error.errno]


def write(path, data=b'NEW', offset=0):
    fd = os.open(path, os.O_WRONLY)
    os.pwrite(fd, data, offset)
    os.close(fd)


class Child:
    """Another process; what `function` returns or raises is its text."""

    def __init__(self, function):
        self.reader, writer = os.pipe()
        self.pid = os.fork()
        if self.pid > 0:
            os.close(writer)
            return
        try:
            text = str(function())
        except OSError as error:
            text = f'raises {errno.errorcode[error.errno]}'
        os.write(writer, text.encode())
        os._exit(0)

    def text(self, seconds=5):
        ready, _, _ = select.select([self.reader], [], [], seconds)
        if not ready:
            os.kill(self.pid, signal.SIGKILL)
        text = os.read(self.reader, SIZE).decode() if ready else 'hangs'
        os.close(self.reader)
        _, status = os.waitpid(self.pid, 0)
        return text or f'dies with wait status {status}'


def elsewhere(function):
    return Child(function).text()


def opens(path, flags):
    """Whether another process opens it."""

    def there():
        fd = attempt(os.open, path, flags | os.O_NONBLOCK)
        return fd if isinstance(fd, str) else 'opened'

    return elsewhere(there)


@case
def read_lease_keeps_writers_waiting(path):
    fd = os.open(path, os.O_RDONLY)
    taken = attempt(fcntl.fcntl, fd, F_SETLEASE, fcntl.F_RDLCK)
    return taken, attempt(fcntl.fcntl, fd, F_GETLEASE), opens(path, os.O_WRONLY), opens(path, os.O_RDONLY)


@case
def write_lease_keeps_readers_waiting(path):
    fd = os.open(path, os.O_RDWR)
    taken = attempt(fcntl.fcntl, fd, F_SETLEASE, fcntl.F_WRLCK)
    return taken, attempt(fcntl.fcntl, fd, F_GETLEASE), opens(path, os.O_RDONLY)


@case
def lease_is_broken_by_a_writer_who_waits(path):
    signals = []
    signal.signal(signal.SIGIO, lambda *_: signals.append(1))
    fd = os.open(path, os.O_RDONLY)
    taken = attempt(fcntl.fcntl, fd, F_SETLEASE, fcntl.F_RDLCK)
    writer = Child(lambda: write(path))
    time.sleep(0.3)
    return taken, len(signals), attempt(fcntl.fcntl, fd, F_SETLEASE, fcntl.F_UNLCK), writer.text(), os.pread(fd, 3, 0)


IN_EVENTS = ('ACCESS MODIFY ATTRIB CLOSE_WRITE CLOSE_NOWRITE OPEN MOVED_FROM MOVED_TO CREATE DELETE '
             'DELETE_SELF MOVE_SELF').split()


def watched(path):
    fd = libc.inotify_init1(os.O_NONBLOCK)
    if libc.inotify_add_watch(fd, path.encode(), (1 << len(IN_EVENTS)) - 1) < 0:
        raise OSError(ctypes.get_errno(), 'inotify_add_watch')
    return fd


def told(fd):
    time.sleep(0.05)
    data, at, names = os.read(fd, SIZE), 0, []
    while at < len(data):
        _, mask, _, length = struct.unpack_from('iIII', data, at)
        at += 16 + length
        names += [name for bit, name in enumerate(IN_EVENTS) if mask & 1 << bit]
    return ' '.join(names)


@case
def inotify_of_a_file_tells_what_others_do(path):
    fd = watched(path)

    def change():
        write(path)
        os.chmod(path, 0o600)
        os.truncate(path, 10)
        os.link(path, path + '.link')
        os.rename(path, path + '.moved')
        os.unlink(path + '.moved')
        os.unlink(path + '.link')

    elsewhere(change)
    return told(fd)


@case
def inotify_of_its_directory_tells_what_others_do(path):
    fd = watched(os.path.dirname(path))

    def change():
        write(path)
        os.chmod(path, 0o600)
        os.rename(path, path + '.moved')
        os.unlink(path + '.moved')

    elsewhere(change)
    return told(fd)


@case
def inotify_tells_of_descriptors_from_before(path):
    fd = watched(path)
    reader, writer = os.open(path, os.O_RDONLY), os.open(path, os.O_RDWR)
    os.pread(reader, 3, 0)
    os.pwrite(writer, b'x', 0)
    os.pread(reader, 3, 0)
    os.ftruncate(writer, 5)
    os.fchmod(writer, 0o600)
    os.close(writer)
    os.close(reader)
    return told(fd)


@case
def dnotify_tells_of_a_write(path):
    signals = []
    signal.signal(signal.SIGIO, lambda *_: signals.append(1))
    directory = os.open(os.path.dirname(path), os.O_RDONLY)
    asked = attempt(fcntl.fcntl, directory, F_NOTIFY, 2)
    elsewhere(lambda: write(path))
    return asked, len(signals) > 0


def fanotify(path, init, mark, mask):
    fd = libc.fanotify_init(init | 1, os.O_RDONLY)
    if fd < 0 or libc.fanotify_mark(fd, 1 | mark, ctypes.c_uint64(mask), -100, path.encode()) < 0:
        return errno.errorcode[ctypes.get_errno()]
    elsewhere(lambda: write(path) if os.path.isfile(path) else None)
    time.sleep(0.05)
    os.set_blocking(fd, False)
    data = attempt(os.read, fd, SIZE)
    if isinstance(data, str) or init != 0:
        return 'marked'
    _, _, _, _, seen, event_fd, _ = struct.unpack_from('IBBHQii', data)
    return hex(seen), os.pread(event_fd, 3, 0)


@case
def fanotify_of_a_file(path):
    return fanotify(path, 0, 0, 0x2a)


@case
def fanotify_of_a_mount(path):
    return fanotify(path, 0, 0x10, 0xa)


@case
def fanotify_of_a_file_system(path):
    return fanotify(path, 0, 0x100, 0xa)


@case
def fanotify_of_a_directory_by_handle(path):
    return fanotify(os.path.dirname(path), 0x200, 0, 0x10a)


@case
def fanotify_of_a_file_system_by_handle(path):
    return fanotify(os.path.dirname(path), 0x200, 0x100, 0x10a)


def changed_behind(path):
    """A descriptor that has read before another wrote."""
    fd = os.open(path, os.O_RDONLY)
    os.pread(fd, 10, 0)
    write(path)
    return fd


@case
def sendfile_from_before(path):
    reader, writer = os.pipe()
    return os.sendfile(writer, changed_behind(path), 0, 3), os.read(reader, 3)


@case
def splice_from_before(path):
    reader, writer = os.pipe()
    offset = ctypes.c_long(0)
    return libc.splice(changed_behind(path), ctypes.byref(offset), writer, None, 3, 0), os.read(reader, 3)


@case
def copy_file_range_from_before(path):
    copy = os.open(path + '.copy', os.O_CREAT | os.O_RDWR)
    copied = os.copy_file_range(changed_behind(path), copy, SIZE, 0, 0)
    os.unlink(path + '.copy')
    return copied, os.pread(copy, 3, 0), os.fstat(copy).st_size


@case
def copy_file_range_from_before_within_the_file(path):
    fd = changed_behind(path)
    return os.copy_file_range(fd, os.open(path, os.O_WRONLY), 3, 0, 100), os.pread(fd, 3, 100)


@case
def direct_reader_beside_a_cached_writer(path):
    page, reader, writer = mmap.mmap(-1, 4096), os.open(path, os.O_RDONLY | os.O_DIRECT), os.open(path, os.O_WRONLY)
    seen = []
    for text in (b'ONE', b'TWO'):
        os.pwrite(writer, text, 0)
        seen.append((os.preadv(reader, [page], 0), page[:3]))
    return seen


@case
def cached_reader_beside_a_direct_writer(path):
    page, reader = mmap.mmap(-1, 4096), os.open(path, os.O_RDONLY)
    writer = os.open(path, os.O_WRONLY | os.O_DIRECT)
    seen = [os.pread(reader, 3, 0)]
    for letter in (b'N', b'M'):
        page[:] = letter * 4096
        seen.append((os.pwritev(writer, [page], 0), os.pread(reader, 3, 0)))
    return seen


@case
def direct_from_now_on(path):
    fd, page = changed_behind(path), mmap.mmap(-1, 4096)
    return attempt(fcntl.fcntl, fd, fcntl.F_SETFL, os.O_DIRECT), attempt(os.preadv, fd, [page], 0), page[:3]


@case
def flags_of_preadv2_and_pwritev2(path):
    fd, buffer = os.open(path, os.O_RDWR), bytearray(3)
    return [
        (name, attempt(os.preadv, fd, [buffer], 0, flag), attempt(os.pwritev, fd, [b'abc'], 0, flag), os.fstat(fd).st_size)
        for name, flag in RWF.items()
    ]


@case
def readahead_and_advice_before_a_write(path):
    fd = os.open(path, os.O_RDONLY)
    done = [libc.readahead(fd, ctypes.c_long(0), SIZE)]
    done += [attempt(os.posix_fadvise, fd, 0, 0, advice) for advice in range(6)]
    write(path)
    return done, os.pread(fd, 3, 0), os.pread(fd, 3, SIZE - 3)


@case
def pages_given_up_after_a_write(path):
    fd = changed_behind(path)
    os.posix_fadvise(fd, 0, 0, os.POSIX_FADV_DONTNEED)
    return os.pread(fd, 3, 0)


@case
def private_map_keeps_what_it_wrote(path):
    fd = os.open(path, os.O_RDWR)
    with mmap.mmap(fd, SIZE, mmap.MAP_PRIVATE, mmap.PROT_READ | mmap.PROT_WRITE) as private:
        private[4096:4099] = b'own'
        os.pwrite(fd, b'NEW', 4096)
        return private[4096:4099], os.pread(fd, 3, 4096)


@case
def data_and_holes_from_before(path):
    fd, writer = os.open(path, os.O_RDONLY), os.open(path, os.O_WRONLY | os.O_TRUNC)
    os.ftruncate(writer, 1 << 20)
    os.pwrite(writer, b'x' * 4096, 1 << 19)
    return os.lseek(fd, 0, os.SEEK_DATA), os.lseek(fd, 0, os.SEEK_HOLE)


@case
def attributes_from_before(path):
    fd = os.open(path, os.O_RDONLY)
    number = os.fstat(fd).st_ino
    write(path, b'more', SIZE)
    os.chmod(path, 0o640)
    os.setxattr(path, 'user.x', b'1')
    seen = os.fstat(fd)
    return seen.st_size, seen.st_ino == number, os.stat(path).st_ino == number, oct(seen.st_mode), os.getxattr(fd, 'user.x')


@case
def what_is_written_is_not_executed(path):
    os.open(path, os.O_WRONLY)
    os.chmod(path, 0o755)
    return elsewhere(lambda: attempt(os.execv, path, [path]))


def whole(kind):
    return struct.pack('hhqqi4x', kind, os.SEEK_SET, 0, 0, 0)


def take(fd, how, kind):
    if how == 'flock':
        operation = fcntl.LOCK_EX if kind == WRITE_LOCK else fcntl.LOCK_SH
        return attempt(fcntl.flock, fd, operation | fcntl.LOCK_NB)
    command = (POSIX if how == 'posix' else OFD)[0]
    result = attempt(fcntl.fcntl, fd, command, whole(kind))
    return result if isinstance(result, str) else None


def taken_elsewhere(path, flags, how, kind):
    return elsewhere(lambda: take(os.open(path, flags), how, kind))


def across_copy_up(path, how):
    fd = os.open(path, os.O_RDONLY)
    own = take(fd, how, WRITE_LOCK if how == 'flock' else READ_LOCK)
    os.pwrite(os.open(path, os.O_RDWR), b'NEW', 0)
    return own, taken_elsewhere(path, os.O_RDWR, how, WRITE_LOCK), taken_elsewhere(path, os.O_RDONLY, how, READ_LOCK)


def upgraded(path, how):
    fd = os.open(path, os.O_RDWR)
    seen = [take(fd, how, READ_LOCK), taken_elsewhere(path, os.O_RDWR, how, WRITE_LOCK), take(fd, how, WRITE_LOCK)]
    seen.append(taken_elsewhere(path, os.O_RDONLY, how, READ_LOCK))
    os.close(fd)
    return seen, taken_elsewhere(path, os.O_RDWR, how, WRITE_LOCK)


def interrupted(path, how, restarts):
    """A wait for a lock that a signal with a handler comes to every 50 ms."""
    holder = os.open(path, os.O_RDWR)
    take(holder, how, WRITE_LOCK)

    def wait():
        os.close(holder)
        fd = os.open(path, os.O_RDWR)
        # Python's own handler only sets a flag; one of ctypes runs Python inside the handler, and at times crashes.
        signal.signal(signal.SIGALRM, lambda *_: None)
        signal.siginterrupt(signal.SIGALRM, not restarts)
        signal.setitimer(signal.ITIMER_REAL, 0.05, 0.05)
        result = libc.flock(fd, fcntl.LOCK_EX) if how == 'flock' else libc.fcntl(fd, 7, whole(WRITE_LOCK))
        return 'locked' if result == 0 else errno.errorcode[ctypes.get_errno()]

    waiter = Child(wait)
    time.sleep(0.4)
    os.close(holder)
    return waiter.text()


for lock in ('flock', 'posix', 'ofd'):
    for subject in (across_copy_up, upgraded):
        named = lambda path, subject=subject, lock=lock: subject(path, lock)
        named.__name__ = f'{lock}_{subject.__name__}'
        case(named)
for lock in ('flock', 'posix'):
    for again in (False, True):
        named = lambda path, lock=lock, again=again: interrupted(path, lock, again)
        named.__name__ = f'wait_for_{lock}_{"restarted" if again else "interrupted"}'
        case(named)


@case
def posix_locks_go_when_any_descriptor_is_closed(path):
    take(os.open(path, os.O_RDWR), 'posix', WRITE_LOCK)
    os.close(os.open(path, os.O_RDONLY))
    return taken_elsewhere(path, os.O_RDWR, 'posix', WRITE_LOCK)


@case
def holder_of_a_lock(path):
    take(os.open(path, os.O_RDWR), 'ofd', WRITE_LOCK)
    return elsewhere(lambda: struct.unpack('hhqqi4x', fcntl.fcntl(os.open(path, os.O_RDWR), POSIX[1], whole(WRITE_LOCK))))


@case
def two_who_wait_for_each_other(path):
    fd = os.open(path, os.O_RDWR)
    fcntl.lockf(fd, fcntl.LOCK_EX, 1, 0)

    def other():
        there = os.open(path, os.O_RDWR)
        fcntl.lockf(there, fcntl.LOCK_EX, 1, 10)
        fcntl.lockf(there, fcntl.LOCK_EX, 1, 0)
        return 'locked'

    waiter = Child(other)
    time.sleep(0.3)
    outcome = attempt(fcntl.lockf, fd, fcntl.LOCK_EX, 1, 10)
    os.close(fd)
    return outcome, waiter.text()


@case
def what_is_appended_is_read_at_the_end(path):
    fd = os.open(path, os.O_RDONLY)
    os.lseek(fd, 0, os.SEEK_END)
    os.write(os.open(path, os.O_WRONLY | os.O_APPEND), b'line')
    return os.read(fd, 100)


@case
def epoll_of_a_regular_file(path):
    return attempt(select.epoll().register, os.open(path, os.O_RDONLY))


if sys.argv[1] == '--names':
    print('\n'.join(function.__name__ for function in cases))
else:
    signal.signal(signal.SIGIO, lambda *_: None)
    for function in cases:
        print(f'{function.__name__}: {Child(lambda: function(os.path.join(sys.argv[1], function.__name__))).text(20)}', flush=True)
