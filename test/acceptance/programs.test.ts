/** What people run in a file system: version control, compilers, databases, archivers. */

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Tree } from './many-files.js';

let tree: Tree;

beforeAll(() => {
  tree = new Tree(`cp -a /etc etc; mkdir project; cd project
    for u in {1..12}; do echo "int f$u(int x) { return x * $u; }" > u$u.c; done
    printf 'int f3(int); int main(void) { return f3(1) - 3; }\\n' > main.c
    printf 'prog: $(patsubst %%.c,%%.o,$(wildcard *.c))\\n\\t$(CC) -o $@ $^\\n' > Makefile
    mkdir parts; for m in {1..20}; do echo "def f(): return $m" > parts/m$m.py; done
    setfattr -n user.note -v text Makefile; setfacl -m u:12:r main.c; ln u1.c hard.c; mkfifo fifo`);
});
afterAll(() => tree.dispose());

describe('in a mount', () => {
  it('git makes a repository of layer files, and finds it sound', () => {
    const log = tree.inside(`cd etc; export HOME=/nonexistent GIT_CONFIG_GLOBAL=/dev/null
      git init -q .; git config user.email a@b; git config user.name n; git add -f .; git commit -qm one
      git fsck --strict; git gc -q; git checkout -q -b other; echo x > passwd; git commit -qam two
      git checkout -q -; git merge -q other; git status --short; git log --oneline | wc -l`);
    expect(log.trim()).toBe('2');
  });

  it('make builds from several files at once, and then has nothing to do', () => {
    const output = tree.inside(`cd project; rm hard.c; make -s -j3; ./prog; make -q && echo done`);
    expect(output).toBe('done\n');
  });

  it('a program runs from what python compiled', () => {
    tree.inside(
      `cd project; python3 -m compileall -q parts; python3 -c 'from parts.m7 import f; assert f() == 7'`,
    );
  });

  it('sqlite keeps a database in WAL mode, with two writers', () => {
    const count = tree.inside(`python3 - <<'PY'
import multiprocessing, sqlite3
def write(n):
    db = sqlite3.connect('db', timeout=20, isolation_level=None)
    for i in range(100): db.execute('insert into t values (?)', (n * 1000 + i,))
db = sqlite3.connect('db', isolation_level=None)
assert db.execute('pragma journal_mode=wal').fetchone()[0] == 'wal'
db.execute('create table t (x)')
parts = [multiprocessing.Process(target=write, args=(n,)) for n in (1, 2)]
[p.start() for p in parts]; [p.join() for p in parts]
assert db.execute('pragma integrity_check').fetchone()[0] == 'ok'
print(db.execute('select count(*) from t').fetchone()[0])
PY`);
    expect(count.trim()).toBe('200');
  });

  it('processes write one file through shared maps', () => {
    tree.inside(`cp --sparse=never etc/passwd mapped; truncate -s 1M mapped; python3 - <<'PY'
import mmap, os
def fill(n):
    with open('mapped', 'r+b') as f, mmap.mmap(f.fileno(), 0) as m:
        m[n * 262144:(n + 1) * 262144] = bytes([n + 65]) * 262144
        m.flush()
pids = []
for n in range(4):
    pid = os.fork()
    if pid == 0: fill(n); os._exit(0)
    pids.append(pid)
assert all(os.waitpid(p, 0)[1] == 0 for p in pids)
assert open('mapped', 'rb').read() == b''.join(bytes([n + 65]) * 262144 for n in range(4))
PY`);
  });

  it('cp -a, rsync -aHAX and tar --xattrs copy what is there, and find no difference', () => {
    tree.inside(`mkdir copies; cp -a etc project copies; diff -r --no-dereference etc copies/etc
      if command -v rsync; then
        rsync -aHAX project/ copies/rsync/; [ -z "$(rsync -aHAXin --delete project/ copies/rsync/)" ]
      fi
      tar --xattrs --acls -cf ../out.tar etc project; mkdir copies/tar
      tar --xattrs --acls -xpf ../out.tar -C copies/tar; tar --xattrs --acls -df ../out.tar -C copies/tar
      [ "$(getfattr --only-values -n user.note copies/tar/project/Makefile)" = text ]
      getfacl -c copies/tar/project/main.c | grep 'user:12:r--' >/dev/null
      find . -xdev -type f -print0 | xargs -0 -P4 -n 50 cat > /dev/null; find . -xdev | wc -l > /dev/null`);
  });

  it('tar sees no change of what it reads after files were copied up', () => {
    tree.inside(`find etc > /dev/null; exec 3<> etc/hosts; exec 3<&-; touch -c -r etc/hosts etc/hostname
      echo >> etc/alternatives/README || true; mkdir -p etc/default; : >> etc/default/locale; chmod 640 etc/hosts
      tar -cf /dev/null --warning=all etc project; tar -cf - etc project | cat > /dev/null`);
  });

  it('du agrees with du on overlayfs', () => {
    tree.unmount();
    tree.shell(
      '.',
      `mount -t overlay o -o lowerdir=lower,upperdir=upper,workdir=work,redirect_dir=on,index=on,metacopy=on mnt2
      trap 'umount mnt2' EXIT; du -s --apparent-size mnt2/etc mnt2/project | sed s/mnt2/mnt/ > overlay
      find mnt2 -type f -printf '%P %b %n %s\\n' | sort > overlay-blocks`,
    );
    tree.mount();
    tree.shell(
      '.',
      `du -s --apparent-size mnt/etc mnt/project | diff overlay -
      find mnt -type f -printf '%P %b %n %s\\n' | sort | diff overlay-blocks -`,
    );
  });
});
