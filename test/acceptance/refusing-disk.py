"""Each operation of a user on a union, while one that it takes on upper's disk fails: MOUNT CONTROL WORK ERRNO...
With `pid:PID` as CONTROL each is tried while that daemon has no descriptor left, one, two, until it is done.

A cell is one operation in a directory of its own, under one fault; first each is run without one, to learn what it asks of
the disk. A line for each cell says what the user was told, whether the directory then shows the old state or the new one,
what comes of trying again without the fault, and what stays in the work directory. The errnos take turns; with `all`
before them each cell is run with each.
"""
import collections, ctypes, errno, hashlib, itertools, os, resource, stat, sys, threading, time

libc = ctypes.CDLL(None, use_errno=True)

def checked(result):
    if result < 0: raise OSError(ctypes.get_errno(), '')

def opened(name, flags, act):
    fd = os.open(name, flags, 0o644)
    try: return act(fd)
    finally: os.close(fd)

def write(name, flags=os.O_WRONLY, data=b'Z' * 10000): opened(name, flags, lambda fd: os.write(fd, data))
def synced(fd): os.write(fd, b'Z' * 10000); os.fsync(fd)
def copied(fd): opened('big', os.O_RDONLY, lambda source: os.copy_file_range(source, fd, 200000))
def swap(old, new, flags): checked(libc.renameat2(-100, old, -100, new, flags))
def listed(name): return sorted(os.listdir(name))
new, cut = os.O_WRONLY | os.O_CREAT, os.O_WRONLY | os.O_TRUNC

OPERATIONS = {
    'stat': lambda: os.stat('lower'), 'read': lambda: open('upper').read(), 'list': lambda: listed('.'), 'readlink': lambda: os.readlink('link'),
    'getxattr': lambda: os.getxattr('upper', 'user.a'), 'listxattr': lambda: os.listxattr('upper'), 'statfs': lambda: os.statvfs('.').f_namemax,
    'create': lambda: write('made', new), 'create and sync': lambda: opened('made', new, synced), 'mkdir': lambda: os.mkdir('made'),
    'mkdir over whiteout': lambda: os.mkdir('gone'), 'create over whiteout': lambda: write('gone-file', new),
    'mkfifo': lambda: os.mkfifo('made'), 'symlink': lambda: os.symlink('x' * 200, 'made'),
    'link upper': lambda: os.link('upper', 'made'), 'link lower': lambda: os.link('lower', 'made'),
    'tmpfile': lambda: opened('.', os.O_TMPFILE | os.O_RDWR, lambda fd: checked(libc.linkat(-100, b'/proc/self/fd/%d' % fd, -100, b'made', 0x400))),
    'write lower': lambda: write('lower'), 'truncate and write lower': lambda: write('lower', cut), 'append lower': lambda: write('lower', os.O_WRONLY | os.O_APPEND),
    'write big lower': lambda: write('big', os.O_RDWR), 'write hard link': lambda: write('hard'), 'write metacopy': lambda: write('meta'),
    # Brings the data, and changes neither the times nor the capability.
    'open metacopy': lambda: opened('capable', os.O_WRONLY, lambda fd: None),
    'write upper': lambda: write('upper'), 'truncate upper': lambda: os.truncate('upper', 1), 'truncate lower': lambda: os.truncate('lower', 1),
    'chmod lower': lambda: os.chmod('lower', 0o600), 'chmod upper': lambda: os.chmod('upper', 0o600), 'chmod directory': lambda: os.chmod('dir', 0o700),
    'chown lower': lambda: os.chown('lower', 1, 1), 'utimes lower': lambda: os.utime('lower', (1, 1)),
    'setxattr lower': lambda: os.setxattr('lower', 'user.b', b'1'), 'setxattr upper': lambda: os.setxattr('upper', 'user.b', b'1'),
    'removexattr upper': lambda: os.removexattr('upper', 'user.a'), 'removexattr lower': lambda: os.removexattr('lower', 'user.a'),
    'fallocate': lambda: opened('upper', os.O_WRONLY, lambda fd: os.posix_fallocate(fd, 0, 100000)),
    'copy_file_range': lambda: opened('own/f', os.O_WRONLY, copied),
    'fsync': lambda: opened('upper', os.O_WRONLY, synced), 'fsync directory': lambda: opened('own', os.O_RDONLY, os.fsync),
    'rename lower': lambda: os.rename('lower', 'made'), 'rename upper': lambda: os.rename('upper', 'made'),
    'rename lower directory': lambda: os.rename('dir', 'made'), 'rename upper directory': lambda: os.rename('own', 'made'),
    'rename over lower': lambda: os.rename('upper', 'lower'), 'rename over upper': lambda: os.rename('lower', 'upper'),
    'rename into merged': lambda: os.rename('upper', 'dir/made'), 'exchange': lambda: swap(b'lower', b'upper', 2), 'noreplace': lambda: swap(b'lower', b'made', 1),
    'unlink lower': lambda: os.unlink('lower'), 'unlink upper': lambda: os.unlink('upper'), 'unlink hard link': lambda: os.unlink('hard2'),
    'rmdir lower': lambda: os.rmdir('empty'), 'rmdir upper': lambda: os.rmdir('own-empty'),
}

def look(path):
    try: return look_into(path)
    except OSError as error: return errno.errorcode[error.errno]

def look_into(path):
    found = os.lstat(path)
    kind = stat.S_IFMT(found.st_mode)
    if kind == stat.S_IFDIR: return {name: look(f'{path}/{name}') for name in os.listdir(path)} | {'.': oct(found.st_mode)}
    inside = os.readlink(path) if kind == stat.S_IFLNK else open(path, 'rb').read() if kind == stat.S_IFREG else b''
    attributes = [(name, os.getxattr(path, name)) for name in sorted(os.listxattr(path))] if kind == stat.S_IFREG else []
    old = found.st_mtime == 1
    return oct(found.st_mode), found.st_uid, found.st_nlink, old, attributes, len(inside), hashlib.sha256(repr(inside).encode()).hexdigest()[:8]

def attempt(act):
    try: act()
    except OSError as error: return errno.errorcode[error.errno]
    return 'ok'

def set_fault(text):
    if daemon is not None: return leave_free(int(text.split()[-1]) if text.startswith('descriptors') else None)
    with open(control, 'w') as file: file.write(text)

def leave_free(count):
    """Limits the daemon to the descriptors that it has, and to so many of the numbers that are free."""
    soft, hard = resource.prlimit(daemon, resource.RLIMIT_NOFILE)
    used = {int(number) for number in os.listdir(f'/proc/{daemon}/fd')}
    free = (number for number in range(hard) if number not in used)
    limit = hard if count is None else next(itertools.islice(free, count, None))
    resource.prlimit(daemon, resource.RLIMIT_NOFILE, (limit, hard))

mount, control, work, *numbers = sys.argv[1:]
daemon = int(control[4:]) if control.startswith('pid:') else None
takes_all = numbers[0] == 'all'
errnos = [int(number) for number in numbers if number != 'all']
# How often one kind of call may be let pass before it fails.
MOST_SKIPPED = 3
# More than any operation takes.
MOST_FREE = 24
PATIENCE = 60
# With these failing the disk does not let anybody clean up.
LEAVING = ('unlink', 'rmdir', 'lookup', 'getattr', 'open', 'readdir')
directories = iter(sorted(int(name) for name in os.listdir(mount)))

def prepare():
    """A directory that nobody has used, with something in upper."""
    os.chdir(f'{mount}/{next(directories)}')
    for name in ('upper', 'own-file'): write(name, new, b'upper')
    os.setxattr('upper', 'user.a', b'1')
    os.mkdir('own'); os.mkdir('own-empty'); write('own/f', new, b'x')
    os.chmod('meta', 0o640); os.chmod('capable', 0o640); os.rmdir('gone'); os.unlink('gone-file'); os.symlink('to', 'link')

def traced(act):
    """What it asks of the disk, and the state that it leaves."""
    prepare()
    look('.')
    hits = os.devnull if daemon else control + '.hits'
    with open(hits, 'w'): pass
    set_fault('trace')
    said = attempt(act)
    set_fault('')
    if said != 'ok': print(f'without a fault: {said}')
    return collections.Counter(open(hits).read().split()), look('.')

def temporaries():
    def is_whiteout(name):
        try: return stat.S_ISCHR(os.lstat(f'{work}/{name}').st_mode)
        except FileNotFoundError: return True
    return {name for name in os.listdir(work) if not is_whiteout(name)}

def remains(before):
    """Whether something is left; a directory may still be on its way out."""
    for _ in range(100):
        if temporaries() <= before: return ''
        time.sleep(.05)
    return 'left'

def run(operation, fault, wanted):
    act = OPERATIONS[operation]
    prepare()
    before = look('.')
    others = temporaries()
    set_fault(fault)
    said = attempt(act)
    set_fault('')
    state = look('.')
    # Some operations change nothing that is looked at.
    seen = 'old' if said != 'ok' and state == before else 'new' if state == wanted else 'old' if state == before else 'other'
    again = '' if said == 'ok' or seen == 'new' else attempt(act)
    if again == 'ok' and look('.') != wanted: again = 'not done'
    left = '' if fault.startswith(LEAVING) else remains(others)
    print(f'{operation} | {fault} | {said} {seen} {again} {left}'.rstrip(), flush=True)
    return said

turn = 0

def with_each_call_refused(operation, act):
    global turn
    calls, wanted = traced(act)
    for call, times in sorted(calls.items()):
        for skip in range(min(times, MOST_SKIPPED)):
            for number in errnos if takes_all else [errnos[turn % len(errnos)]]:
                turn += 1
                run(operation, f'{call} {number} {skip}', wanted)

def with_few_descriptors(operation, act):
    """From none on, until there are enough."""
    wanted = traced(act)[1]
    def give_back():
        print(f'{operation}: no answer', flush=True)
        leave_free(None)
    for free in range(MOST_FREE):
        # Nobody can end a process that waits for an answer.
        timer = threading.Timer(PATIENCE, give_back)
        timer.start()
        said = run(operation, f'descriptors {errno.EMFILE} {free}', wanted)
        timer.cancel()
        if said == 'ok': return
    print(f'{operation}: {MOST_FREE} free descriptors are not enough')

for operation, act in OPERATIONS.items():
    (with_each_call_refused if daemon is None else with_few_descriptors)(operation, act)
print('done')
