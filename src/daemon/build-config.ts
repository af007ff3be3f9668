/**
 * From what a person or a program asks for to a MountConfig: specifications parsed, paths absolute and free of
 * symlinks, volumes named. Nothing is made and nothing checked but what parsing needs; validate.ts does that, in the
 * daemon.
 */

import { readFileSync, realpathSync, statSync } from 'node:fs';
import { totalmem } from 'node:os';
import { join, resolve } from 'node:path';
import { type MountEntry, readMountinfo } from '../engine/kernel/attach-mountinfo.js';
import { UserError } from '../errno/user-error.js';
import { imageDirectories } from '../image/mount-image.js';
import { parseMountSpec } from '../mounts/spec/mount-spec.js';
import { type OverlayOptions, parseOverlayOptions } from '../mounts/spec/overlay-options.js';
import { planMounts } from '../mounts/spec/plan.js';
import { parseTmpfsSpec } from '../mounts/spec/tmpfs-spec.js';
import type {
  BindRequest,
  MountRequest,
  SourceType,
  SpecContext,
  VolumeRequest,
} from '../mounts/spec/types.js';
import { parseVolumeSpec } from '../mounts/spec/volume-spec.js';
import { stateRoot } from '../store/layout.js';
import { type Name, nameFromText } from '../vfs/name.js';
import { checkVolumeName, newAnonymousName } from '../volume/names.js';
import { backingOf, checkDriver } from '../volume/options.js';
import { farSourceOf } from './far-source.js';
import { locate } from './locate.js';
import type { EngineName, MountConfig, ResolvedMount } from './mount-config.js';

/** All strings are text; relative paths are taken from `cwd`. */
export interface MountWish {
  readonly mountpoint: string;
  /** Bottom first. */
  readonly layers?: readonly string[] | undefined;
  readonly upper?: string | undefined;
  readonly work?: string | undefined;
  /** `-o` values. */
  readonly options?: readonly string[] | undefined;
  /** `-v` values. */
  readonly volumes?: readonly string[] | undefined;
  /** `--mount` values. */
  readonly mounts?: readonly string[] | undefined;
  /** `--tmpfs` values. */
  readonly tmpfs?: readonly string[] | undefined;
  readonly readOnly?: boolean | undefined;
  readonly engine?: EngineName | undefined;
  readonly debug?: boolean | undefined;
  /** Where volumes are kept. */
  readonly root?: string | undefined;
}

/** @throws UserError for anything that cannot be parsed or is not in this version. */
export function buildConfig(wish: MountWish, cwd = process.cwd()): MountConfig {
  const overlay = parseOverlayOptions(wish.options ?? [], cwd);
  const { flags } = overlay;
  const layers = stackOf(wish, overlay, cwd);
  const upper = oneOf('upper', wish.upper, overlay.upperdir, cwd);
  const work =
    oneOf('work', wish.work, overlay.workdir, cwd) ?? (upper === undefined ? undefined : `${upper}.work`);
  return {
    mountpoint: locate(nameFromText(resolve(cwd, nonEmpty('mount point', wish.mountpoint))), readMountinfo())
      .path,
    layers,
    ...(overlay.datadir.length === 0
      ? {}
      : { dataLayers: overlay.datadir.map((layer) => realName(nonEmpty('layer', layer), cwd)) }),
    ...(upper === undefined ? {} : { upper }),
    ...(work === undefined ? {} : { work }),
    mounts: resolveMounts(wish, cwd),
    readOnly: wish.readOnly === true || flags.ro === true,
    engine: wish.engine ?? 'kernel',
    xattrNamespace: flags.userxattr === true || !mayUseTrustedXattrs() ? 'user' : 'trusted',
    unionOptions: textFlags(flags),
    vfsOptions: vfsOptionsOf(flags),
    fsname: nameFromText(typeof flags.fsname === 'string' ? flags.fsname : 'plyfs'),
    volatile: flags.volatile === true,
    passthrough: flags.passthrough === 'all' ? 'all' : 'programs',
    allowOther: flags.allow_other === true,
    debug: wish.debug === true,
  };
}

function stackOf(wish: MountWish, overlay: OverlayOptions, cwd: string): Name[] {
  const given = wish.layers ?? [];
  if (given.length > 0 && overlay.lowerdir.length > 0) {
    throw new UserError('cannot mix -l with -o lowerdir=', {
      hint: '-l stacks bottom first, lowerdir= top first',
    });
  }
  const bottomFirst = given.length > 0 ? given : overlay.lowerdir.toReversed();
  return bottomFirst.map((layer) => realName(nonEmpty('layer', layer), cwd));
}

function oneOf(
  role: string,
  flag: string | undefined,
  option: string | undefined,
  cwd: string,
): Name | undefined {
  if (flag !== undefined && option !== undefined) {
    throw new UserError(`cannot mix --${role} with -o ${role}dir=`);
  }
  const path = flag ?? option;
  return path === undefined ? undefined : realName(nonEmpty(role, path), cwd);
}

function nonEmpty(role: string, path: string): string {
  if (path === '') throw new UserError(`the ${role} is an empty path`);
  if (path.includes('\0')) throw new UserError(`the ${role} '${path}' holds a NUL byte`);
  return path;
}

/** Free of symlinks where it exists; else of those of its parent, where that exists. */
function realName(path: string, cwd: string): Name {
  const absolute = resolve(cwd, path);
  const real = tryRealpath(absolute);
  if (real !== undefined) return real;
  const slash = absolute.lastIndexOf('/');
  const parent = tryRealpath(absolute.slice(0, slash) || '/');
  const last = nameFromText(absolute.slice(slash + 1));
  return parent === undefined ? nameFromText(absolute) : `${parent === '/' ? '' : parent}/${last}`;
}

function tryRealpath(path: string): Name | undefined {
  try {
    return realpathSync.native(path, { encoding: 'buffer' }).toString('latin1');
  } catch (error) {
    // Not there, or not to be entered: the checks of the daemon say so with the path as it is.
    if (error instanceof Error && 'code' in error) return undefined;
    throw error;
  }
}

function resolveMounts(wish: MountWish, cwd: string): ResolvedMount[] {
  const context: SpecContext = { cwd, memoryBytes: totalmem() };
  const requests = [
    ...(wish.volumes ?? []).map((spec) => parseVolumeSpec(spec, context)),
    ...(wish.mounts ?? []).map((spec) => parseMountSpec(spec, context)),
    ...(wish.tmpfs ?? []).map((spec) => parseTmpfsSpec(spec, context)),
  ];
  const root = wish.root === undefined ? stateRoot() : resolve(cwd, wish.root);
  return resolveRequests(requests, { root, engine: wish.engine ?? 'kernel' });
}

export interface ResolveOptions {
  /** Where volumes are kept. */
  readonly root: string;
  /** Only the engine `kernel` has threads for far storage. */
  readonly engine: EngineName;
}

/**
 * The mounts that requests mean, in the order in which to attach them. Far storage is not touched.
 * @throws UserError
 */
export function resolveRequests(
  requests: readonly MountRequest[],
  { root, engine }: ResolveOptions,
): ResolvedMount[] {
  const entries = readMountinfo();
  const farOf = (path: Name, remote: boolean | undefined) => farSourceOf(path, remote, entries);
  const farBinds = farBindsOf(requests, entries);
  // What a far source is turns out when its thread opens it.
  const typeOf = (path: string) => (farBinds.has(path) ? 'directory' : sourceTypeOf(path));
  return planMounts(requests, typeOf).map((request) => {
    const resolved = resolveMount(request, root, request.type === 'bind' && farBinds.has(request.source));
    const far =
      engine === 'kernel' && resolved.hostPath !== undefined
        ? farOf(resolved.hostPath, request.remote)
        : undefined;
    return far === undefined ? resolved : { ...resolved, far };
  });
}

/** The sources of binds that lie on far storage: what looks at them may hang. */
export function farBindsOf(
  requests: readonly MountRequest[],
  entries: readonly MountEntry[] = readMountinfo(),
): ReadonlyMap<string, BindRequest> {
  const binds = requests.filter((one) => one.type === 'bind');
  const far = binds.filter(
    ({ source, remote }) => farSourceOf(nameFromText(source), remote, entries) !== undefined,
  );
  return new Map(far.map((request) => [request.source, request]));
}

function resolveMount(request: MountRequest, root: string, isFar: boolean): ResolvedMount {
  switch (request.type) {
    case 'bind':
      return { request: isFar ? request : withNotices(request), hostPath: nameFromText(request.source) };
    case 'volume':
      return resolveVolume(request, root);
    case 'tmpfs':
      return { request };
    case 'image':
      return {
        request,
        imageLayers: imageDirectories(root, request.source, request.target).map(nameFromText),
      };
  }
}

/** An anonymous volume gets its name here. @throws UserError for a name, driver or options that cannot be. */
export function resolveVolume(request: VolumeRequest, root: string): ResolvedMount {
  const name = request.source ?? newAnonymousName();
  checkVolumeName(name);
  checkDriver(request.driver);
  backingOf(request.driverOptions);
  const hostPath = nameFromText(join(root, 'volumes', name, '_data'));
  return { request, hostPath, volume: { root, name } };
}

const MEETING_NOTICE =
  'sockets and fifos of a bind do not connect processes in the mount with those on the host';

/** The kernel ties listeners and pipes to its own inode, which in the mount is another (net/unix/af_unix.c). */
function withNotices(request: BindRequest): BindRequest {
  const stat = statSync(request.source, { throwIfNoEntry: false });
  if (stat?.isSocket() !== true && stat?.isFIFO() !== true) return request;
  return { ...request, notices: [...request.notices, MEETING_NOTICE] };
}

export function sourceTypeOf(path: string): SourceType | undefined {
  const stat = statSync(path, { throwIfNoEntry: false });
  if (!stat) return undefined;
  return stat.isDirectory() ? 'directory' : 'file';
}

const CAP_SYS_ADMIN = 21n;

/** From /proc, since the command itself has no use for koffi, whose loading takes 14 ms. */
export function mayUseTrustedXattrs(): boolean {
  const effective = /^CapEff:\s*([0-9a-f]+)$/m.exec(readFileSync('/proc/self/status', 'latin1'))?.[1] ?? '0';
  return ((BigInt(`0x${effective}`) >> CAP_SYS_ADMIN) & 1n) === 1n;
}

type Flags = OverlayOptions['flags'];

/** What the union reads; fsname is the mount's, subtype always ours. */
function textFlags(flags: Flags): Record<string, string> {
  const entries = Object.entries(flags).filter(([key]) => key !== 'fsname' && key !== 'subtype');
  return Object.fromEntries(
    entries.filter((entry): entry is [string, string] => typeof entry[1] === 'string'),
  );
}

function vfsOptionsOf(flags: Flags): string[] {
  const negated = ['suid', 'dev', 'exec', 'atime', 'diratime'].filter((name) => flags[name] === false);
  const plain = ['sync', 'dirsync', 'strictatime'].filter((name) => flags[name] === true);
  return [...negated.map((name) => `no${name}`), ...plain];
}
