/**
 * What new namespaces get before there is a root directory: the domain name, sysctls. The host's /proc shows sysctls of the
 * namespaces of who looks.
 */

import { writeFileSync } from 'node:fs';
import { check } from '../../errno/fs-error.js';
import { UserError } from '../../errno/user-error.js';
import { setdomainname } from '../../linux/namespace.js';
import { nameFromText } from '../../vfs/name.js';
import type { EnterOrder } from './order.js';

/** @throws UserError, FsError */
export function prepareNamespaces({ runtime }: Pick<EnterOrder, 'runtime'>): void {
  if (runtime.domainName !== undefined)
    check(setdomainname(nameFromText(runtime.domainName)), 'setdomainname', runtime.domainName);
  for (const setting of runtime.sysctls ?? []) setSysctl(setting);
}

function setSysctl(setting: string): void {
  const equals = setting.indexOf('=');
  const name = setting.slice(0, equals);
  try {
    writeFileSync(`/proc/sys/${name.replaceAll('.', '/')}`, setting.slice(equals + 1));
  } catch (error) {
    const reason = /^[A-Z0-9]+: ([^,]+)/.exec((error as Error).message)?.[1] ?? (error as Error).message;
    throw new UserError(`cannot set the sysctl '${setting}': ${reason}`, { cause: error });
  }
}
