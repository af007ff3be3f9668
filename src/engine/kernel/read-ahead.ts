/**
 * How far the kernel reads ahead in files of a mount: as much as a request holds, where it would take an eighth.
 *
 * The limit of INIT's reply can only make it smaller; the setting itself is that of the mount's backing device
 * (Documentation/ABI/testing/sysfs-class-bdi).
 */

import { AT_FDCWD, O_WRONLY } from '../../linux/constants.js';
import { write } from '../../linux/files/data.js';
import { close, openat } from '../../linux/files/open.js';

const READ_AHEAD_KIB = 1024;

/**
 * @param device `major:minor` of the mount.
 * @returns false where /sys does not let us: the mount then answers smaller requests.
 */
export function widenReadAhead(device: string): boolean {
  const fd = openat(AT_FDCWD, `/sys/class/bdi/${device}/read_ahead_kb`, O_WRONLY);
  if (fd < 0) return false;
  const written = write(fd, Buffer.from(String(READ_AHEAD_KIB)));
  close(fd);
  return written > 0;
}
