/** fuse-overlayfs's options about what the union shows: `uidmapping=`, `squash_to_root`, `static_nlink`, `noacl` ... */

import { UserError } from '../../errno/user-error.js';
import type { IdRange } from '../../realfs/id-ranges.js';
import type { PresentationOptions } from '../../union/nodes/presentation.js';

type Flags = Readonly<Record<string, string | boolean>>;

const MAX_ID = 2 ** 32 - 2;

/** @returns undefined when the union is to be shown as it is. @throws UserError */
export function presentationOf(flags: Flags): PresentationOptions | undefined {
  const squashUid = idOf(flags, 'squash_to_uid') ?? (flags.squash_to_root === true ? 0 : undefined);
  const squashGid = idOf(flags, 'squash_to_gid') ?? (flags.squash_to_root === true ? 0 : undefined);
  const uidmap = rangesOf(flags, 'uidmapping');
  const gidmap = rangesOf(flags, 'gidmapping');
  const options: PresentationOptions = {
    ...(uidmap === undefined ? {} : { uidmap }),
    ...(gidmap === undefined ? {} : { gidmap }),
    ...(squashUid === undefined ? {} : { squashUid }),
    ...(squashGid === undefined ? {} : { squashGid }),
    ...(flags.static_nlink === true ? { staticNlink: true } : {}),
    ...(flags.noacl === true ? { noAcl: true } : {}),
    ...(flags.noxattr === true || flags.noxattrs === '1' ? { noXattr: true } : {}),
  };
  return Object.keys(options).length === 0 ? undefined : options;
}

/** The options that the kernel's SELinux takes. */
export function selinuxContexts(options: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(options).filter(([name]) => /^(?:fs|def|root)?context$/.test(name)),
  );
}

function idOf(flags: Flags, key: string): number | undefined {
  const value = flags[key];
  if (typeof value !== 'string') return undefined;
  const id = numberOf(value);
  // fuse-overlayfs has it for "not at all".
  if (value === '-1') return undefined;
  if (id === undefined) throw new UserError(`invalid mount option '${key}=${value}': it must be an id`);
  return id;
}

/** `DISK:SHOWN:LENGTH[:DISK:SHOWN:LENGTH...]`; some put a comma between them, which `-o` then needs escaped. */
function rangesOf(flags: Flags, key: string): IdRange[] | undefined {
  const value = flags[key];
  if (typeof value !== 'string') return undefined;
  const numbers = value.split(':').map(numberOf);
  const ranges: IdRange[] = [];
  for (let at = 0; at < numbers.length; at += 3) {
    const [host, container, length] = numbers.slice(at, at + 3);
    const isWhole = host !== undefined && container !== undefined && length !== undefined && length > 0;
    if (!isWhole || host + length - 1 > MAX_ID || container + length - 1 > MAX_ID) {
      throw new UserError(`invalid mount option '${key}=${value}': it must be DISK:SHOWN:LENGTH[:...]`);
    }
    ranges.push({ container, host, length });
  }
  return ranges;
}

function numberOf(text: string): number | undefined {
  if (!/^\d{1,10}$/.test(text)) return undefined;
  const id = Number(text);
  return id <= MAX_ID + 1 ? id : undefined;
}
