/**
 * Compiles and runs a small C program, so that offsets and constants are compared with the headers of this machine.
 */

import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const headers = [
  'stddef.h',
  'stdio.h',
  'dirent.h',
  'fcntl.h',
  'poll.h',
  'sched.h',
  'time.h',
  'sys/eventfd.h',
  'sys/file.h',
  'sys/resource.h',
  'sys/socket.h',
  'sys/stat.h',
  'sys/syscall.h',
  'sys/uio.h',
  'sys/vfs.h',
  'linux/capability.h',
  'linux/falloc.h',
  'linux/fs.h',
  'linux/mount.h',
  'linux/openat2.h',
  'linux/xattr.h',
];

/** umount2's flags are in sys/mount.h, which cannot be included beside linux/mount.h. */
export const notInHeaders: ReadonlySet<string> = new Set([
  'MNT_FORCE',
  'MNT_DETACH',
  'MNT_EXPIRE',
  'UMOUNT_NOFOLLOW',
]);

export function hasCompiler(): boolean {
  try {
    execFileSync('cc', ['--version'], { stdio: 'ignore' });
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return false;
    throw error;
  }
}

/** Values of C expressions; an expression that is one macro name unknown to the headers is left out. */
export function evaluateInC(expressions: readonly string[]): Map<string, number> {
  const prints = expressions.map((expression) => {
    const print = `printf("%s\\t%lld\\n", "${expression}", (long long)(${expression}));`;
    const isMacro = /^[A-Z_]\w*$/.test(expression);
    return isMacro ? `#ifdef ${expression}\n${print}\n#endif` : print;
  });
  const includes = headers.map((header) => `#include <${header}>`);
  const source = `#define _GNU_SOURCE\n${includes.join('\n')}\nint main(void) {\n${prints.join('\n')}\nreturn 0;\n}\n`;
  const dir = mkdtempSync(join(tmpdir(), 'plyfs-cc-'));
  try {
    writeFileSync(join(dir, 'a.c'), source);
    execFileSync('cc', ['-o', join(dir, 'a'), join(dir, 'a.c')]);
    const output = execFileSync(join(dir, 'a'), { encoding: 'utf8' });
    const lines = output.trimEnd().split('\n');
    return new Map(lines.map((line) => line.split('\t') as [string, string]).map(([k, v]) => [k, Number(v)]));
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
}
