/**
 * What new namespaces get before there is a root directory: the domain name, sysctls. The host's /proc shows sysctls of the
 * namespaces of who looks.
 */

import { writeFileSync } from 'node:fs';
import { hasCode } from '../../errno/error-code.js';
import { check } from '../../errno/fs-error.js';
import { reasonOf } from '../../errno/reason.js';
import { UserError } from '../../errno/user-error.js';
import { setdomainname } from '../../linux/process/namespace.js';
import { nameFromText } from '../../vfs/name.js';
import type { EnterRequest } from './enter-request.js';

/** What Docker lets everybody do in a network of the container's own: low ports, and ICMP without a raw socket. */
const OWN_NETWORK = ['net.ipv4.ip_unprivileged_port_start=0', 'net.ipv4.ping_group_range=0 2147483647'];

/** @throws UserError, FsError */
export function prepareNamespaces({
  runtime,
  network,
  rootless,
}: Pick<EnterRequest, 'runtime' | 'network' | 'rootless'>): void {
  // The group range wants groups that an ordinary user's container does not have.
  if (network === 'none')
    for (const setting of OWN_NETWORK.slice(0, rootless ? 1 : 2)) setWherePossible(setting);
  if (runtime.domainName !== undefined)
    check(setdomainname(nameFromText(runtime.domainName)), 'setdomainname', runtime.domainName);
  for (const setting of runtime.sysctls ?? []) setSysctl(setting);
}

/** Not on a kernel that lacks it, nor where /proc/sys is read-only, as inside another container. */
function setWherePossible(setting: string): void {
  try {
    writeSysctl(setting);
  } catch (error) {
    if (!hasCode(error, 'ENOENT', 'EROFS', 'EACCES', 'EPERM')) throw error;
  }
}

function setSysctl(setting: string): void {
  try {
    writeSysctl(setting);
  } catch (error) {
    throw new UserError(`cannot set the sysctl '${setting}': ${reasonOf(error)}`, { cause: error });
  }
}

function writeSysctl(setting: string): void {
  const equals = setting.indexOf('=');
  writeFileSync(`/proc/sys/${setting.slice(0, equals).replaceAll('.', '/')}`, setting.slice(equals + 1));
}
