"""Changes of which some are promised to be on disk, and what is there after a power cut: DIRECTORY.

`work RECORD SECONDS` makes changes in one subdirectory after the other and prints a line of JSON for each: the states that it went
through, how large the record of the disk was before the first change, and when the last was promised by fsync.
`check SIZE`, with these lines as input, says where another state is found than a cut at that size of the record may leave.
"""
import ctypes, hashlib, json, os, stat, sys, time

libc = ctypes.CDLL(None, use_errno=True)
top, mode, *rest = sys.argv[1:]

def state(path):
    """Each name below, with type, mode and content."""
    found = {}
    for folder, _, files in os.walk(path):
        found[os.path.relpath(folder, path)] = 'directory'
        for name in files:
            at = os.path.join(folder, name)
            seen = os.lstat(at)
            content = os.readlink(at).encode() if stat.S_ISLNK(seen.st_mode) else open(at, 'rb').read()
            found[os.path.relpath(at, path)] = f'{oct(seen.st_mode)} {len(content)} {hashlib.sha256(content).hexdigest()[:8]}'
    return found

def synced(path, flags=os.O_RDONLY):
    fd = os.open(path, flags)
    os.fsync(fd)
    os.close(fd)

def put(path, flags, data):
    fd = os.open(path, flags, 0o644)
    os.write(fd, data)
    os.close(fd)

# Each step leaves a state that may be found after a cut; the last one makes all before it durable.
CHANGES = {
    'append': [lambda: put('file', os.O_WRONLY | os.O_APPEND, b'tail'), lambda: synced('file')],
    'append to a large file': [lambda: put('big', os.O_WRONLY | os.O_APPEND, b'tail'), lambda: synced('big')],
    'chmod': [lambda: os.chmod('file', 0o600), lambda: synced('file')],
    'chmod, then append': [lambda: os.chmod('file', 0o600), lambda: put('file', os.O_WRONLY | os.O_APPEND, b'tail'), lambda: synced('file')],
    'create': [lambda: put('new', os.O_WRONLY | os.O_CREAT, b''), lambda: put('new', os.O_WRONLY, b'content'), lambda: synced('new'), lambda: synced('.')],
    'replace': [lambda: put('new', os.O_WRONLY | os.O_CREAT, b''), lambda: put('new', os.O_WRONLY, b'content'), lambda: synced('new'), lambda: os.rename('new', 'file'), lambda: synced('.')],
    'remove': [lambda: os.unlink('file'), lambda: synced('.')],
    'rename': [lambda: os.rename('file', 'other'), lambda: synced('.')],
    'rename a directory': [lambda: os.rename('sub', 'moved'), lambda: synced('.')],
    'rename over': [lambda: os.rename('sub/x', 'file'), lambda: synced('.')],
    'remove, then make a directory': [lambda: os.unlink('sub/x'), lambda: os.rmdir('sub'), lambda: os.mkdir('sub'), lambda: synced('.')],
    'link': [lambda: os.link('file', 'second'), lambda: synced('.')],
    'write to a hard link': [lambda: put('hard', os.O_WRONLY | os.O_APPEND, b'tail'), lambda: synced('hard')],
    'symlink': [lambda: os.symlink('file', 'sym'), lambda: synced('.')],
}

def work(record, seconds):
    end = time.monotonic() + float(seconds)
    names = iter(sorted(os.listdir(top), key=int))
    for turn, name in enumerate(names):
        if time.monotonic() > end: break
        change = list(CHANGES)[turn % len(CHANGES)]
        os.chdir(os.path.join(top, name))
        states, began = [state('.')], os.stat(record).st_size
        for step in CHANGES[change]:
            step()
            states.append(state('.'))
        print(json.dumps({'name': name, 'change': change, 'states': states, 'began': began, 'promised': os.stat(record).st_size}), flush=True)

def check(size):
    counts = {'old': 0, 'new': 0, 'between': 0}
    for line in sys.stdin:
        made = json.loads(line)
        found, states = state(os.path.join(top, made['name'])), made['states']
        where = 'new' if made['promised'] <= size else 'old' if made['began'] >= size else 'between'
        allowed = {'new': states[-1:], 'old': states[:1], 'between': states}[where]
        counts[where] += 1
        if found not in allowed: print(f"{made['name']}, {made['change']}, should be {where}: {found}, not {allowed}")
    print(json.dumps(counts))

work(*rest) if mode == 'work' else check(int(rest[0]))
