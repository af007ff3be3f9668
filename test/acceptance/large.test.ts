/** Much in one place: 100,000 names in a directory, a file over 4 GiB. */

import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Tree } from './many-files.js';

const NAMES = 100_000;
const TICKS_A_SECOND = 100;
let tree: Tree;

beforeAll(() => {
  tree =
    new Tree(`mkdir some fewer; (cd fewer; seq -f 'name%05.0f' 10000 | xargs touch); (cd some; seq -f 'name%04.0f' 3000 | xargs touch); mkdir many; (cd many; seq -f 'name%06.0f' ${NAMES} | xargs touch)
    truncate -s 5G sparse; echo begin | dd of=sparse conv=notrunc status=none
    echo end | dd of=sparse bs=1M seek=5119 conv=notrunc status=none`);
});
afterAll(() => tree.dispose());

function residentMib(): number {
  return Number(/^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${tree.pid()}/status`, 'latin1'))?.[1]) / 1024;
}

/** What the daemon has had of the CPUs, whatever else the machine does: fields 14 and 15 of man 5 proc_pid_stat. */
function cpuSeconds(): number {
  const stat = readFileSync(`/proc/${tree.pid()}/stat`, 'latin1');
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return (Number(fields[11]) + Number(fields[12])) / TICKS_A_SECOND;
}

describe('a directory of 100,000 names', () => {
  it('is listed whole, fast and in bounded memory', () => {
    const before = residentMib();
    const began = cpuSeconds();
    expect(tree.inside('ls -f many | sort -u | wc -l').trim()).toBe(String(NAMES + 2));
    expect(cpuSeconds() - began).toBeLessThan(5);
    expect(residentMib() - before).toBeLessThan(250);
  });

  it('loses no name and gains none while others are removed', () => {
    const seen = tree.inside(`python3 - <<'PY'
import os
seen = []
with os.scandir('many') as entries:
    for n, e in enumerate(entries):
        seen.append(e.name)
        if n < 2000 and n % 2: os.unlink('many/' + e.name); 
        if n % 1000 == 0: open('many/new%d' % n, 'w').close()
old = [s for s in seen if s.startswith('name')]
assert len(seen) == len(set(seen)), 'a name twice'
assert len(old) == ${NAMES}, len(old)
print(len(os.listdir('many')))
PY`);
    expect(Number(seen)).toBeGreaterThan(NAMES - 1001);
  });
});

describe('a directory of 10,000 names', () => {
  it('is removed while it is listed', () => {
    tree.inside(
      `(for i in 1 2 3 4 5; do ls -f fewer | wc -l || true; done) > /dev/null 2>&1 &
      rm -rf fewer; wait; [ ! -e fewer ]`,
      60_000,
    );
    const left = tree.shell('.', 'ls -d upper/fewer work/work/*/ 2> /dev/null | grep -v /# || true');
    expect(left).toBe('upper/fewer\n');
  }, 120_000);
});

describe('files copied up while their directory is listed', () => {
  it('are not found in the layer again by the reader', () => {
    tree.inside('touch some/new');
    tree.unmount();
    tree.mount();
    tree.inside(`python3 - <<'PY'
import os
names = ['name%04d' % n for n in range(1, 3001)]
seen = 0
with os.scandir('some') as entries:
    for e in entries:
        e.stat()
        seen += 1
        if seen == 10:
            for name in names:
                with open('some/' + name, 'a') as f: f.write('y')
assert seen == 3001, seen
wrong = [name for name in names if open('some/' + name).read() != 'y']
assert not wrong, '%d files show the layer: %s' % (len(wrong), wrong[:3])
PY`);
  });
});

describe('a file over 4 GiB', () => {
  it('is copied up with its holes when it is written at its end', () => {
    tree.inside(`echo X | dd of=sparse bs=1 seek=5368709000 conv=notrunc status=none
      [ "$(head -c 5 sparse)" = begin ]; [ "$(stat -c %s sparse)" = 5368709120 ]
      [ "$(tail -c 120 sparse | { head -c 1; cat >/dev/null; })" = X ]`);
    expect(Number(tree.shell('upper', 'stat -c %b sparse'))).toBeLessThan(10_000);
    expect(
      tree.shell('lower', 'tail -c 120 sparse | { head -c 1; cat >/dev/null; } | od -An -tx1').trim(),
    ).toBe('00');
  });
});
