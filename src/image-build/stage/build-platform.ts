/**
 * Platforms of a build: as they are typed, and which of them can run here.
 */

import { existsSync } from 'node:fs';
import type { Image } from '../../image/catalog/image-index.js';
import type { Platform } from '../../image/oci/oci.js';
import { hostPlatform, parsePlatform } from '../../image/oci/platform.js';

const ARCHITECTURES: Readonly<Record<string, string>> = { x86_64: 'amd64', aarch64: 'arm64', i386: '386' };
/** What an architecture means when no variant, or the usual one, is given. */
const VARIANTS: Readonly<Record<string, string | undefined>> = { arm: 'v7' };
const USUAL: Readonly<Record<string, string>> = { arm64: 'v8', amd64: 'v1' };

/** As images name it: `aarch64` is arm64, `arm64/v8` is arm64, `arm` is arm/v7. @throws UserError */
export function buildPlatform(text: string): Platform {
  const { architecture: typed, variant: typedVariant, ...rest } = parsePlatform(text);
  const architecture = ARCHITECTURES[typed] ?? typed;
  const variant = typedVariant === USUAL[architecture] ? undefined : (typedVariant ?? VARIANTS[architecture]);
  return { ...rest, architecture, ...(variant === undefined ? {} : { variant }) };
}

export function platformOfImage({ config: { os, architecture, variant } }: Image): Platform {
  return { os, architecture, ...(variant === undefined ? {} : { variant }) };
}

const EMULATORS: Readonly<Record<string, string>> = { amd64: 'x86_64', arm64: 'aarch64', '386': 'i386' };

/** Whether programs of it run here, if only by an emulator that binfmt_misc knows. */
export function runsHere({ os, architecture }: Platform): boolean {
  const host = hostPlatform();
  if (os !== host.os) return false;
  if (architecture === host.architecture || (architecture === '386' && host.architecture === 'amd64'))
    return true;
  return existsSync(`/proc/sys/fs/binfmt_misc/qemu-${EMULATORS[architecture] ?? architecture}`);
}
