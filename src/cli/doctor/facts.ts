/**
 * The facts that the doctor judges: gathered by `gather.ts` by trying, judged by `judge.ts` without touching anything.
 *
 * Undefined means "could not be tried here", which is not the same as "no".
 */

import type { AwakeFacts } from '../../daemon/config/awake-facts.js';

export interface Facts {
  /** As uname -r prints it. */
  readonly kernelRelease: string;
  readonly privileges: Privileges;
  readonly fuseDevice: FuseDevice;
  readonly fusermount: Fusermount | undefined;
  /** Whether /etc/fuse.conf has user_allow_other. */
  readonly userAllowOther: boolean;
  /** What the kernel offered in FUSE_INIT to a mount made for the purpose. */
  readonly fuseInit: FuseInit | undefined;
  /** Lines of the kernel's configuration that matter here; undefined without /proc/config.gz or /boot/config-*. */
  readonly kernelConfig: ReadonlyMap<string, string> | undefined;
  /** /sys/module/fuse/parameters/enable_uring; undefined: the kernel does not know it. */
  readonly uringEnabled: boolean | undefined;
  readonly koffi: Loadable;
  readonly fuseNative: Loadable;
  /** Whether an overlay could be mounted in a namespace of its own. */
  readonly overlayMounts: boolean | undefined;
  /** Whether /proc/filesystems lists overlay (a module that is not loaded is not listed). */
  readonly overlayListed: boolean;
  readonly openFiles: OpenFilesLimit | undefined;
  readonly awake: AwakeFacts;
  readonly mounts: readonly ServedMountFacts[];
  readonly xattr: XattrSupport;
}

/** A mount of this user that is served. */
export interface ServedMountFacts {
  /** Text. */
  readonly mountpoint: string;
  /** Why it ends with its daemon; undefined where it goes on. */
  readonly endsBecause: string | undefined;
}

export interface Privileges {
  readonly uid: number;
  /** CAP_SYS_ADMIN is effective. */
  readonly sysAdmin: boolean;
  /** In the initial user namespace, where CAP_SYS_ADMIN counts for the whole machine. */
  readonly initialUserNamespace: boolean;
  /** setuid programs gain nothing. */
  readonly noNewPrivs: boolean;
}

export interface FuseDevice {
  readonly path: string;
  /** Undefined: opened for reading and writing; else the code, as ENOENT, EACCES, ENODEV. */
  readonly error: string | undefined;
}

export interface Fusermount {
  readonly path: string;
  /** Owned by root with the setuid bit. */
  readonly setuid: boolean;
}

export interface FuseInit {
  readonly major: number;
  readonly minor: number;
  readonly passthrough: boolean;
  readonly ioUring: boolean;
  readonly resend: boolean;
}

export interface Loadable {
  readonly found: boolean;
  /** A version and a path, or the first line of the reason. */
  readonly detail: string;
}

/** Infinity: unlimited. */
export interface OpenFilesLimit {
  readonly soft: number;
  readonly hard: number;
}

export interface XattrSupport {
  /** Where it was tried. */
  readonly directory: string;
  /** trusted.*: also false for want of privilege. */
  readonly trusted: boolean | undefined;
  readonly user: boolean | undefined;
}
