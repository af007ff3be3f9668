/**
 * The rules for paths and names in mount options, with Docker's error texts (moby volume/mounts/linux_parser.go,
 * daemon/volume/local). Only text is looked at: whether a path exists is `planMounts()`'s affair.
 */

import { posix } from 'node:path';
import { UserError } from '../../errno/user-error.js';

/** NAME_MAX: a mount point with a longer name could never be looked up. */
const NAME_MAX_BYTES = 255;

const VOLUME_NAME = /^[a-zA-Z0-9][a-zA-Z0-9_.-]+$/;

/**
 * The target, clean.
 * @throws UserError when it is empty, relative, the root, or holds what no path can hold.
 */
export function parseTarget(text: string): string {
  if (text === '') throw new UserError('field Target must not be empty');
  refuseNul(text);
  const target = clean(text);
  if (target === '/') throw new UserError("invalid specification: destination can't be '/'");
  if (!posix.isAbsolute(target)) throw notAbsolute(text);
  for (const name of target.split('/')) {
    if (Buffer.byteLength(name) > NAME_MAX_BYTES) {
      throw new UserError(`invalid mount path: '${text}' has a name longer than ${NAME_MAX_BYTES} bytes`);
    }
  }
  return target;
}

/** Whether the source of `-v` is a path on the host, and no volume name. */
export function isHostPath(source: string): boolean {
  return source.startsWith('/') || source.startsWith('.');
}

/**
 * The host path, absolute and clean; what starts with `.` is taken from `cwd`.
 * @throws UserError when it is relative otherwise.
 */
export function parseHostPath(text: string, cwd: string): string {
  refuseNul(text);
  if (!isHostPath(text)) throw notAbsolute(text, `for a path below the working directory write './${text}'`);
  return clean(posix.resolve(cwd, text));
}

/**
 * Docker's rule for volume names.
 * @throws UserError
 */
export function checkDockerVolumeName(name: string): void {
  if (VOLUME_NAME.test(name)) return;
  if (name.length === 1) {
    throw new UserError(
      `volume name is too short: '${name}', names should be at least two alphanumeric characters`,
    );
  }
  throw new UserError(
    `"${name}" includes invalid characters for a local volume name, ` +
      'only "[a-zA-Z0-9][a-zA-Z0-9_.-]" are allowed',
    { hint: 'if you intended to pass a host directory, use an absolute path or one that starts with ./' },
  );
}

/**
 * A path inside a volume or image, clean.
 * @throws UserError when it is empty, absolute or leads out.
 */
export function parseSubpath(text: string, of: 'volume' | 'image'): string {
  refuseNul(text);
  const path = clean(text);
  if (text === '' || posix.isAbsolute(path) || path === '..' || path.startsWith('../')) {
    throw new UserError(`subpath must be a relative path within the ${of}: '${text}'`);
  }
  return path;
}

function clean(path: string): string {
  const normal = posix.normalize(path);
  return normal.length > 1 && normal.endsWith('/') ? normal.slice(0, -1) : normal;
}

function refuseNul(text: string): void {
  if (text.includes('\0')) throw new UserError(`invalid path: '${text}' holds a NUL byte`);
}

function notAbsolute(text: string, hint?: string): UserError {
  return new UserError(`invalid mount path: '${text}' mount path must be absolute`, { hint });
}
