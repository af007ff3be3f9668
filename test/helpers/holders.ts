/** Who keeps a mount busy, for the message of a test that could not unmount: processes that are in it or have it open. */

import { readdirSync, readFileSync, readlinkSync } from 'node:fs';

/** A line for each: `123 node test.js: fd/7 -> /tmp/m/f`. */
export function holdersOf(mountpoint: string): string[] {
  const pids = readdirSync('/proc').filter((name) => /^\d+$/.test(name));
  return pids.flatMap((pid) => {
    const links = ['cwd', 'root', ...namesIn(`/proc/${pid}/fd`).map((fd) => `fd/${fd}`)];
    const held = links
      .map((link) => `${link} -> ${linkOf(`/proc/${pid}/${link}`)}`)
      .filter((line) => line.includes(` -> ${mountpoint}`));
    const mapped = textOf(`/proc/${pid}/maps`).includes(` ${mountpoint}/`) ? ['a map'] : [];
    const elsewhere = textOf(`/proc/${pid}/mountinfo`).includes(` ${mountpoint} `) ? ['sees the mount'] : [];
    const isOther = linkOf(`/proc/${pid}/ns/mnt`) !== linkOf('/proc/self/ns/mnt');
    const ways = [...held, ...mapped, ...(isOther ? elsewhere : [])];
    if (ways.length === 0) return [];
    const command = textOf(`/proc/${pid}/cmdline`).replaceAll('\0', ' ').trim();
    return [`${pid} ${command}: ${ways.join(', ')}`];
  });
}

/** A process may end while it is looked at. */
function tried<T>(look: () => T, otherwise: T): T {
  try {
    return look();
  } catch (error) {
    if (['ENOENT', 'ESRCH', 'EACCES', 'EINVAL'].includes((error as NodeJS.ErrnoException).code ?? '')) {
      return otherwise;
    }
    throw error;
  }
}

function namesIn(path: string): string[] {
  return tried(() => readdirSync(path), []);
}

function linkOf(path: string): string {
  return tried(() => readlinkSync(path), '');
}

function textOf(path: string): string {
  return tried(() => readFileSync(path, 'latin1'), '');
}
