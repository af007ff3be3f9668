/** A command that serves a mount by itself (`plyfs mount -f`) is limited as a daemon is: it starts again, as the same process. */

import { readFileSync } from 'node:fs';
import { keepOnExec } from '../../linux/files/open.js';
import { execve } from '../../linux/process/namespace.js';
import { nameFromText } from '../../vfs/name.js';
import { capabilitiesOf, droppedCapabilities, hasBit, limitedLaunch } from './limited-launch.js';

/** Comes back when the process is limited, or cannot be. */
export function limitThisProcess(): void {
  const dropped = droppedCapabilities() ?? [];
  if (dropped.length === 0) return;
  const status = readFileSync('/proc/self/status', 'latin1');
  const bounding = capabilitiesOf(status, 'CapBnd');
  if (/^NoNewPrivs:\s*1$/m.test(status) && !dropped.some((number) => hasBit(bounding, number))) return;
  const { program, args } = limitedLaunch(process.execPath, [...process.execArgv, ...process.argv.slice(1)]);
  // Node makes every descriptor that it finds close-on-exec.
  for (const fd of [0, 1, 2]) keepOnExec(fd);
  execve(
    nameFromText(program),
    [program, ...args].map(nameFromText),
    Object.entries(process.env).map(([name, value]) => nameFromText(`${name}=${value}`)),
  );
}
