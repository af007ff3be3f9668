/**
 * What comes between while a helper thread copies the data of a large file to upper: other changes of the file, and the
 * end of whoever wanted the copy. The file is then as it was before, or as the change wants it.
 */

import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type Fs, Operator, outcome } from '../helpers/operator-client.js';
import { O_RDWR, O_WRONLY } from '../helpers/test-constants.js';
import { Tree } from './many-files.js';

const LARGE = 32 * 2 ** 20;
const FILES = 3;
const OLD = 1_000_000_000_000_000_000n;

let tree: Tree;
let operator: Operator;
let writer: Operator;
let fs: Fs;
let other: Fs;

beforeEach(async () => {
  tree = new Tree(`head -c ${LARGE} /dev/zero | tr '\\0' x > whole
    for n in {1..${FILES}}; do cp whole f$n; touch -d @1000000000 f$n; done`);
  operator = await Operator.start();
  writer = await Operator.start();
  fs = operator.fs(tree.mountpoint);
  other = writer.fs(tree.mountpoint);
});
afterEach(async () => {
  await operator.stop();
  await writer.stop();
  tree.dispose();
});

const names = Array.from({ length: FILES }, (_, index) => `f${index + 1}`);

describe('while a large file is copied to upper for writing', () => {
  it('a chmod, a rename or a link of it loses nothing', async () => {
    const changes: readonly ((name: string) => Promise<void>)[] = [
      (name) => fs.chmod(name, 0o600),
      (name) => fs.rename(name, `${name}.new`),
      (name) => fs.link(name, `${name}.new`),
    ];
    for (const [index, name] of names.entries()) {
      const change = changes[index % changes.length]!;
      const [opened] = await Promise.all([outcome(other.open(name, O_WRONLY)), change(name)]);
      // The rename may come first.
      expect(['ok', 'ENOENT']).toContain(opened);
    }
    await operator.fs('/').reset();
    await writer.fs('/').reset();
    tree.unmount();
    tree.mount();
    expect(tree.inside('for f in f*; do cmp whole $f && echo same; done')).toBe('same\n'.repeat(FILES + 1));
  });

  it('times, attributes and names set meanwhile stay, of a file that had its metadata in upper', async () => {
    for (const name of names) await fs.chmod(name, 0o640);
    for (const name of names) {
      await Promise.all([
        other.open(name, O_RDWR),
        fs.utimens(name, 5n, 7n),
        fs.setxattr(name, 'user.a', '1'),
      ]);
      expect(await fs.lstat(name)).toMatchObject({ mode: 0o640, atimeNs: 5n, mtimeNs: 7n });
      expect(await fs.getxattr(name, 'user.a')).toBe('1');
    }
    expect(tree.inside('for f in f*; do cmp whole $f && echo same; done')).toBe('same\n'.repeat(FILES));
  });

  it('opened and not written it keeps its times, the ctime too', async () => {
    await fs.chmod('f1', 0o640);
    const before = await fs.lstat('f1');
    expect(before.mtimeNs).toBe(OLD);
    await other.close(await other.open('f1', O_RDWR));
    // After a read the kernel asks for the access time, and with it for all.
    await fs.readFile('f1');
    expect(await fs.lstat('f1')).toMatchObject({ mtimeNs: OLD, ctimeNs: before.ctimeNs });
  });
});

describe('a process that ends while it waits for a copy', () => {
  /** Ends the command when it waits for the daemon, for each file. */
  const interrupted = (command: string) =>
    names.map((name) =>
      tree.inside(
        `stat ${name} > /dev/null
        ${command} ${name} < /dev/null > /dev/null & pid=$!
        until [ ! -d /proc/$pid ] || [[ "\${stack[*]}" = *request_wait_answer* ]]; do
          mapfile -t stack < /proc/$pid/stack || :
        done
        kill -9 $pid || true; wait $pid || true; : >> ${name}
        stat -c %s ${name}; cmp -n $(stat -c %s ${name}) whole ${name} && echo same`,
      ),
    );

  it('leaves a file that it was about to shorten whole, or has shortened it', () => {
    const shorter = LARGE - 4096;
    for (const seen of interrupted(`python3 -c 'import os, sys; os.truncate(sys.argv[1], ${shorter})'`))
      expect([`${LARGE}\nsame\n`, `${shorter}\nsame\n`]).toContain(seen);
  });

  it('leaves a file that it opened for writing as it is', () => {
    for (const seen of interrupted('tee -a')) expect(seen).toBe(`${LARGE}\nsame\n`);
    expect(tree.inside('stat -c %Y f?')).toBe('1000000000\n'.repeat(FILES));
  });
});
