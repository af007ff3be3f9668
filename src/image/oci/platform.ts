/**
 * Platforms as images name them: `linux/amd64`, `linux/arm64/v8`, in Go's words.
 */

import { UserError } from '../../errno/user-error.js';
import type { Platform } from './oci.js';

const ARCHITECTURES: Readonly<Record<string, string>> = { x64: 'amd64', ia32: '386', arm64: 'arm64' };

export function hostPlatform(): Platform {
  return { architecture: ARCHITECTURES[process.arch] ?? process.arch, os: 'linux' };
}

const SYSTEMS = ['linux', 'windows', 'darwin', 'freebsd'];

/** `[OS/]ARCHITECTURE[/VARIANT]`, or an OS alone, with this host's architecture. @throws UserError */
export function parsePlatform(text: string): Platform {
  const parts = text.split('/');
  if (parts.length > 3 || parts.some((part) => !/^[a-z0-9._-]+$/.test(part))) {
    throw new UserError(`invalid platform '${text}'`, { hint: 'it is like linux/amd64 or linux/arm64/v8' });
  }
  if (SYSTEMS.includes(text)) return { ...hostPlatform(), os: text };
  const [os, architecture, variant] = parts.length === 1 ? ['linux', parts[0]!] : parts;
  return { os: os!, architecture: architecture!, ...(variant === undefined ? {} : { variant }) };
}

export function formatPlatform({ os, architecture, variant }: Platform): string {
  return `${os}/${architecture}${variant === undefined ? '' : `/${variant}`}`;
}

/**
 * Whether what an image is for serves `wanted`: what it does not say fits; where one side names no variant, any does; but
 * amd64 alone is not amd64/v3, which not every such processor runs.
 */
export function servesPlatform(offered: Platform | undefined, wanted: Platform): boolean {
  if (offered === undefined) return false;
  if (offered.os !== '' && offered.os !== wanted.os) return false;
  if (offered.architecture !== '' && offered.architecture !== wanted.architecture) return false;
  if (wanted.variant === undefined && wanted.architecture === 'amd64')
    return /^(v1)?$/.test(offered.variant ?? '');
  return wanted.variant === undefined || offered.variant === undefined || offered.variant === wanted.variant;
}
