/**
 * From what a person or a program asks for to a MountConfig: specifications parsed, paths absolute and free of
 * symlinks, volumes named. Nothing is made and nothing checked but what parsing needs; validate-config.ts does that, in the
 * daemon.
 */

import { readFileSync, realpathSync, statSync } from 'node:fs';
import { totalmem } from 'node:os';
import { join, resolve } from 'node:path';
import { type MountEntry, readMountinfo } from '../../engine/kernel/attach-mountinfo.js';
import { codeOf } from '../../errno/error-code.js';
import { UserError } from '../../errno/user-error.js';
import { imageDirectories } from '../../image/catalog/mount-image.js';
import { isInitialUserNamespace } from '../../linux/process/user-namespace.js';
import { type ByMountType, callByType } from '../../mounts/request/kinds/mount-kind.js';
import { parseMountSpec } from '../../mounts/request/mount-spec.js';
import { type OverlayOptions, parseOverlayOptions } from '../../mounts/request/overlay-options.js';
import { planMounts } from '../../mounts/request/plan.js';
import { parseTmpfsSpec } from '../../mounts/request/tmpfs-spec.js';
import type {
  BindRequest,
  MountRequest,
  SourceType,
  SpecContext,
  VolumeRequest,
} from '../../mounts/request/types.js';
import { parseVolumeSpec } from '../../mounts/request/volume-spec.js';
import { stateRoot } from '../../store/layout.js';
import { volumeData } from '../../store/volume-home.js';
import { type Name, nameFromText } from '../../vfs/name.js';
import { backingOf, checkDriver, withVolumeOptions } from '../../volume/backing/driver-options.js';
import { checkVolumeName, newAnonymousName } from '../../volume/volume-names.js';
import { checkUnionOptions } from './check-union-options.js';
import { withExcludedVolumes } from './excluded-volumes.js';
import { locate } from './locate.js';
import type { EngineName, MountConfig, ResolvedMount } from './mount-config.js';
import { withOwnUppers } from './own-uppers.js';
import { presentationOf } from './presentation-options.js';
import { remoteSourceOf } from './remote-source.js';

/** What to mount: the options of `plyfs mount`. All strings are text; relative paths are taken from `cwd`. */
export interface MountOptions {
  readonly mountpoint: string;
  /** Bottom first. */
  readonly layers?: readonly string[] | undefined;
  readonly upper?: string | undefined;
  readonly work?: string | undefined;
  /** `-o` values. */
  readonly options?: readonly string[] | undefined;
  /** Told of each word of `options` that nobody knows, which is then ignored; else it is an error. */
  readonly onUnknownOption?: ((option: string) => void) | undefined;
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
export function buildConfig(options: MountOptions, cwd = process.cwd()): MountConfig {
  const overlay = parseOverlayOptions(options.options ?? [], cwd, options.onUnknownOption);
  const { flags } = overlay;
  const isUserChosen = flags.userxattr === true;
  const xattrNamespace = isUserChosen || !mayUseTrustedXattrs() ? 'user' : 'trusted';
  const unionOptions = textFlags(flags);
  const presentation = presentationOf(flags);
  checkUnionOptions(unionOptions, {
    xattrNamespace,
    isChosen: isUserChosen,
    hasDataLayers: overlay.datadir.length > 0,
  });
  const layers = stackOf(options, overlay, cwd);
  const upper = oneOf('upper', options.upper, overlay.upperdir, cwd);
  const work =
    oneOf('work', options.work, overlay.workdir, cwd) ?? (upper === undefined ? undefined : `${upper}.work`);
  return {
    mountpoint: locate(
      nameFromText(resolve(cwd, nonEmpty('mount point', options.mountpoint))),
      readMountinfo(),
    ).path,
    layers,
    ...(overlay.datadir.length === 0
      ? {}
      : { dataLayers: overlay.datadir.map((layer) => realName(nonEmpty('layer', layer), cwd)) }),
    ...(upper === undefined ? {} : { upper }),
    ...(work === undefined ? {} : { work }),
    mounts: withOwnUppers(resolveMounts(options, cwd), work === undefined ? undefined : `${work}/cow`),
    readOnly: options.readOnly === true || flags.ro === true,
    engine: options.engine ?? 'kernel',
    xattrNamespace,
    unionOptions,
    ...(presentation === undefined ? {} : { presentation }),
    vfsOptions: vfsOptionsOf(flags),
    fsname: nameFromText(typeof flags.fsname === 'string' ? flags.fsname : 'plyfs'),
    volatile: flags.volatile === true || flags.fsync === '0' || flags.fsync === 'volatile',
    ...(flags.volatile === true || flags.fsync === 'volatile' ? { marksVolatile: true as const } : {}),
    passthrough: flags.passthrough === 'all' ? 'all' : 'programs',
    ...(flags.awake === 'off' || flags.awake === 'process' ? { awake: flags.awake } : {}),
    allowOther: flags.allow_other === true,
    debug: options.debug === true,
    events: { root: storeRoot(options, cwd) },
  };
}

function storeRoot({ root }: MountOptions, cwd: string): string {
  return root === undefined ? stateRoot() : resolve(cwd, root);
}

function stackOf(options: MountOptions, overlay: OverlayOptions, cwd: string): Name[] {
  const given = options.layers ?? [];
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
    if (codeOf(error) !== undefined) return undefined;
    throw error;
  }
}

function resolveMounts(options: MountOptions, cwd: string): ResolvedMount[] {
  const context: SpecContext = { cwd, memoryBytes: totalmem() };
  const requests = [
    ...(options.volumes ?? []).map((spec) => parseVolumeSpec(spec, context)),
    ...(options.mounts ?? []).map((spec) => parseMountSpec(spec, context)),
    ...(options.tmpfs ?? []).map((spec) => parseTmpfsSpec(spec, context)),
  ];
  return resolveRequests(withExcludedVolumes(requests), {
    root: storeRoot(options, cwd),
    engine: options.engine ?? 'kernel',
  });
}

interface ResolveOptions {
  /** Where volumes are kept. */
  readonly root: string;
  /** Only the engine `kernel` has threads for remote storage. */
  readonly engine: EngineName;
}

/**
 * The mounts that requests mean, in the order in which to attach them. Remote storage is not touched.
 * @throws UserError
 */
export function resolveRequests(
  requests: readonly MountRequest[],
  { root, engine }: ResolveOptions,
): ResolvedMount[] {
  const entries = readMountinfo();
  const remoteBinds = remoteBindsOf(requests, entries);
  // What a remote source is turns out when its thread opens it.
  const typeOf = (path: string) => (remoteBinds.has(path) ? 'directory' : sourceTypeOf(path));
  return planMounts(requests, typeOf).map((request) => {
    const resolved = callByType(resolvers, request, { root, remoteBinds });
    const remote =
      engine === 'kernel' && resolved.hostPath !== undefined
        ? remoteSourceOf(resolved.hostPath, resolved.request, entries)
        : undefined;
    return remote === undefined ? resolved : { ...resolved, remote };
  });
}

/** The sources of binds that lie on remote storage: what looks at them may hang. */
export function remoteBindsOf(
  requests: readonly MountRequest[],
  entries: readonly MountEntry[] = readMountinfo(),
): ReadonlyMap<string, BindRequest> {
  const binds = requests.filter((one) => one.type === 'bind');
  const remote = binds.filter(
    (bind) => remoteSourceOf(nameFromText(bind.source), bind, entries) !== undefined,
  );
  return new Map(remote.map((request) => [request.source, request]));
}

interface ResolveContext extends Pick<ResolveOptions, 'root'> {
  readonly remoteBinds: ReadonlyMap<string, BindRequest>;
}

const resolvers: ByMountType<[ResolveContext], ResolvedMount> = {
  bind: (request, { remoteBinds }) => ({
    request: remoteBinds.has(request.source) ? request : withNotices(request),
    hostPath: nameFromText(request.source),
  }),
  volume: (request, { root }) => resolveVolume(request, root),
  tmpfs: (request) => ({ request }),
  image: (request, { root }) => ({
    request,
    imageLayers: imageDirectories(root, request.source, request.target).map(nameFromText),
  }),
};

/** An anonymous volume gets its name here. @throws UserError for a name, driver or options that cannot be. */
function resolveVolume(request: VolumeRequest, root: string): ResolvedMount {
  const name = request.source ?? newAnonymousName();
  checkVolumeName(name);
  checkDriver(request.driver);
  backingOf(request.driverOptions);
  const hostPath = nameFromText(join(root, volumeData(name)));
  return { request: withVolumeOptions(root, request), hostPath, volume: { root, name } };
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
  return ((BigInt(`0x${effective}`) >> CAP_SYS_ADMIN) & 1n) === 1n && isInitialUserNamespace();
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
