/**
 * `plyfs-overlay` as `mount_program` of containers/storage: what Debian's buildah builds with it is what it builds with kernel
 * overlayfs, and the layers are read by others.
 */

import { chmodSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { untilIs, Workbench } from '../cli/plyfs-run.js';
import { distPath } from '../helpers/project-paths.js';

vi.setConfig({ testTimeout: 300_000, hookTimeout: 60_000 });

/** All of a root that busybox needs, with a file of 3 MB and one of two names. */
const BASE = `mkdir -p root/bin root/etc/skel root/usr/share/doc/x root/opt root/tmp root/dev root/proc root/run
  cp "$(command -v busybox)" root/bin/busybox; ln root/bin/busybox root/bin/sh
  for one in cat mv rm mkdir chmod chown ln echo head yes mkfifo sha256sum; do ln -s busybox root/bin/$one; done
  echo a > root/etc/skel/.a; echo d > root/usr/share/doc/x/copyright; echo e > root/etc/version
  head -c 3000000 /dev/zero | tr '\\0' x > root/opt/lib; echo 'root:x:0:0:root:/:/bin/sh' > root/etc/passwd; tar -C root -cf base.tar .`;

const CONTAINERFILE = `FROM localhost/base
RUN yes plyfs | head -c 3000000 > /opt/big && ln /opt/big /opt/link && mkdir -p /data/a/b && echo old > /data/a/b/old && echo old > /data/a/old
RUN chmod 600 /opt/big && chown 7:8 /opt/lib && chmod 4755 /opt/lib
RUN mv /usr/share/doc /usr/share/documents
RUN mv /opt/big /opt/bigger && ln /opt/bigger /opt/third && ln /opt/lib /opt/lib2
RUN rm -rf /usr/share/documents/x && rm -f /etc/version
RUN rm -rf /data/a && mkdir /data/a && echo new > /data/a/new
RUN mv /etc/skel /etc/skeleton && ln -s skeleton /etc/skel && mkfifo /opt/fifo
RUN chown -R 9:9 /usr/share /etc/skeleton
RUN echo more >> /opt/third && rm /opt/fifo && mkdir /opt/fifo && echo x > /opt/fifo/x
RUN rm -rf /etc/skeleton /etc/skel && echo file > /etc/skel && mkdir /etc/version && (sha256sum /opt/* > /sums || true)
`;

const LOOK = `cd "$m"; find . ! -path './proc*' ! -path './run*' -printf '%P %y %m %U:%G %l\\n' | sort; find . -type f | sort | xargs sha256sum`;

let bench: Workbench;

beforeEach(() => {
  bench = new Workbench('tmp');
  chmodSync(bench.root, 0o755);
  Object.assign(bench.env, {
    BUILDAH_ISOLATION: 'chroot',
    TMPDIR: join(bench.root, 'tmp'),
    PLYFS_DAEMON_IDLE_MS: '3000',
  });
  const program = join(bench.root, 'plyfs-overlay');
  const script = distPath('src/cli/plyfs-overlay.js');
  writeFileSync(program, `#!/bin/sh\nexec '${process.execPath}' -- '${script}' "$@"\n`, { mode: 0o755 });
  writeFileSync(join(bench.root, 'Containerfile'), CONTAINERFILE);
  sh(BASE);
});

afterEach(async () => {
  await untilIs(() => daemons(), '');
  for (const kind of ['kernel', 'plyfs']) bench.run('umount', `${kind}/overlay`);
  bench.dispose();
});

function daemons(): string {
  return bench.run('pgrep', '-f', `^plyfs daemon ${bench.root}/`).stdout;
}

/** @param kind whose store it is. @param program mounts it; none: the kernel. */
function sh(script: string, kind = 'kernel', program = ''): string {
  const line = program === '' ? '' : `mount_program="${program}"`;
  const folders = `driver="overlay"\nrunroot="${bench.root}/${kind}-run"\ngraphroot="${bench.root}/${kind}"`;
  writeFileSync(
    join(bench.root, 'storage.conf'),
    `[storage]\n${folders}\n[storage.options.overlay]\n${line}\n`,
  );
  bench.env.CONTAINERS_STORAGE_CONF = join(bench.root, 'storage.conf');
  const { code, stdout, stderr } = bench.run('bash', '-ec', script);
  expect([code, code === 0 ? '' : stderr]).toEqual([0, '']);
  return stdout;
}

const MAKE = `c=$(buildah from scratch); buildah add -q $c base.tar / ; buildah commit -q --timestamp 1 $c base; buildah rm $c
  buildah bud --layers --timestamp 1000000000 -t built -f Containerfile tmp`;
const SEE = `c=$(buildah from built); m=$(buildah mount $c); (${LOOK}); buildah rm $c >&2`;

describe('ten steps with renames, modes and owners, links, opaque directories and deletions', () => {
  it('give the image that kernel overlayfs gives, which others read, and which comes from the cache', () => {
    const overlay = join(bench.root, 'plyfs-overlay');
    sh(MAKE);
    const expected = sh(SEE);
    expect(expected).toContain('opt/lib f 4755 7:8');
    sh(MAKE, 'plyfs', overlay);
    expect(sh(SEE, 'plyfs', overlay)).toBe(expected);
    expect(sh(SEE, 'plyfs')).toBe(expected);
    expect(sh(SEE, 'plyfs', '/usr/bin/fuse-overlayfs')).toBe(expected);
    const again = sh(
      'buildah bud --layers --timestamp 1000000000 -t again -f Containerfile tmp',
      'plyfs',
      overlay,
    );
    expect(again.match(/Using cache/g)).toHaveLength(10);
  });
});
