/**
 * Where a volume of driver `local` lives: `<root>/volumes/<name>/_data`, with volume.json beside it.
 *
 * A volume is made by the daemon, after all checks: a refused mount leaves none behind.
 */

import { randomBytes } from 'node:crypto';
import { linkSync, mkdirSync, unlinkSync, writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { dirname, join } from 'node:path';
import { UserError } from '../errno/user-error.js';
import type { VolumeRequest } from '../mounts/spec/types.js';
import { type Name, nameFromText } from '../vfs/name.js';

export const ANONYMOUS_LABEL = 'plyfs.volume.anonymous';

/** `/var/lib/plyfs` for root, else `$XDG_DATA_HOME/plyfs` or `~/.local/share/plyfs`. */
export function stateRoot(env: NodeJS.ProcessEnv = process.env, uid = process.geteuid?.() ?? 0): string {
  if (uid === 0) return '/var/lib/plyfs';
  const data = env.XDG_DATA_HOME?.startsWith('/') ? env.XDG_DATA_HOME : join(homedir(), '.local/share');
  return join(data, 'plyfs');
}

/**
 * The `_data` directory that a request means; nothing is made yet. An anonymous volume gets a new id of 64 hex digits.
 * @throws UserError for drivers and driver options that this version lacks.
 */
export function volumeDirectory(request: VolumeRequest, root: string): Name {
  if (request.driver !== undefined && request.driver !== 'local') {
    throw unsupported(request, `volume driver '${request.driver}'`);
  }
  const [option] = Object.keys(request.driverOptions);
  if (option !== undefined) throw unsupported(request, `volume option '${option}'`);
  const name = request.source ?? randomBytes(32).toString('hex');
  return nameFromText(join(root, 'volumes', name, '_data'));
}

function unsupported(request: VolumeRequest, what: string): UserError {
  return new UserError(`cannot mount volume on '${request.target}': ${what} is not in this version`);
}

/** Makes the volume where it is missing; one that is there is left as it is. @returns whether it was made. */
export function ensureVolume(hostPath: Name, request: VolumeRequest): boolean {
  const data = Buffer.from(hostPath, 'latin1').toString('utf8');
  const home = dirname(data);
  try {
    mkdirSync(dirname(home), { recursive: true, mode: 0o711 });
    const made = mkdirSync(data, { recursive: true, mode: 0o755 }) !== undefined;
    writeOnce(join(home, 'volume.json'), describe(request, home));
    return made;
  } catch (error) {
    throw new UserError(`cannot make volume '${home}': ${(error as Error).message}`, {
      hint: 'choose another place with --root DIR',
      cause: error,
    });
  }
}

function describe(request: VolumeRequest, home: string): string {
  const anonymous = request.source === undefined;
  const record = {
    name: request.source ?? home.slice(home.lastIndexOf('/') + 1),
    createdAt: new Date().toISOString(),
    labels: { ...request.labels, ...(anonymous ? { [ANONYMOUS_LABEL]: '' } : {}) },
    driver: 'local',
    options: {},
  };
  return `${JSON.stringify(record, null, 2)}\n`;
}

/** Whole or not at all, and never over a file that is there: link(2) refuses. */
function writeOnce(path: string, text: string): void {
  const temporary = `${path}.${process.pid}`;
  writeFileSync(temporary, text, { mode: 0o644, flush: true });
  try {
    linkSync(temporary, path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  } finally {
    unlinkSync(temporary);
  }
}
