/**
 * How an operation names a file: a path below the root of its file system, or a descriptor with or without a name.
 *
 * Names are latin1 strings, one char a byte. A descriptor is reached through /proc/self/fd, which serves every call
 * that takes a path, on unlinked files and directories too.
 */

/** `{ fd }` is the open file itself, `{ fd, name }` a name in the open directory, `{ cwd }` relative to chdir(). */
export type Path = string | { readonly fd: number; readonly name?: string } | { readonly cwd: string };

let root: Buffer = Buffer.from('/');

/** Sets what string paths are below of, until the next call. Each request names its own. */
export function setRoot(path: string): void {
  root = Buffer.from(path, 'utf8');
}

/** The path as bytes, without NUL. */
export function bytesOf(path: Path): Buffer {
  if (typeof path === 'string') {
    return path === '' ? root : Buffer.concat([root, Buffer.from('/'), Buffer.from(path, 'latin1')]);
  }
  if ('cwd' in path) return Buffer.from(path.cwd, 'latin1');
  const base = `/proc/self/fd/${path.fd}`;
  return Buffer.from(path.name === undefined ? base : `${base}/${path.name}`, 'latin1');
}

/** The path with the NUL that the C library wants. */
export function cPath(path: Path): Buffer {
  return Buffer.concat([bytesOf(path), Buffer.from([0])]);
}

/** Whether the path is a magic link that must be followed to reach the open file. */
export function isDescriptor(path: Path): boolean {
  return typeof path === 'object' && 'fd' in path && path.name === undefined;
}

export function cString(text: string): Buffer {
  return Buffer.from(`${text}\0`, 'latin1');
}
