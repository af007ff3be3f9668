/**
 * What is mounted over a new container: Docker's rules of who wins on one target.
 *
 * Weakest first: VOLUME of the image, `--volumes-from` in order, `-v`, `--mount`. Within `-v`, or within `--mount`, and
 * for `--tmpfs` beside either, a target given twice is an error. Targets are compared where the image's symlinks lead,
 * so `-v run:/run` also stands for a VOLUME /var/run.
 */

import { totalmem } from 'node:os';
import { remoteBindsOf, sourceTypeOf } from '../../daemon/config/build-config.js';
import { excludedVolumes } from '../../daemon/config/excluded-volumes.js';
import { UserError } from '../../errno/user-error.js';
import { probeSource } from '../../mounts/remote/probe-source.js';
import { PROPAGATION_NOTICE } from '../../mounts/request/modes.js';
import { parseMountSpec } from '../../mounts/request/mount-spec.js';
import { volumeNameOf } from '../../mounts/request/named-sources.js';
import { collectNotices, planMounts } from '../../mounts/request/plan.js';
import { parseTmpfsSpec, SWITCH_NOTICE } from '../../mounts/request/tmpfs-spec.js';
import type { MountRequest, SourceType, SpecContext, VolumeRequest } from '../../mounts/request/types.js';
import { parseVolumeSpec } from '../../mounts/request/volume-spec.js';
import { type ContainerMount, type MountOrigin, unnamedVolumesOf } from '../../store/container-record.js';
import type { Store } from '../../store/store.js';
import { resolveContainer } from '../record/find.js';
import type { ImageTree } from '../tree/image-tree.js';

export interface MountChoices {
  /** `-v` values. */
  readonly volumes?: readonly string[] | undefined;
  /** `--mount` values. */
  readonly mounts?: readonly string[] | undefined;
  /** `--tmpfs` values. */
  readonly tmpfs?: readonly string[] | undefined;
  /** `--volumes-from` values. */
  readonly volumesFrom?: readonly string[] | undefined;
  /** False: `--no-image-volumes`. */
  readonly imageVolumes?: boolean | undefined;
}

export function asksForMounts({ volumes, mounts, tmpfs, volumesFrom }: MountChoices): boolean {
  return [volumes, mounts, tmpfs, volumesFrom].some((specs) => (specs ?? []).length > 0);
}

interface ImageSide {
  readonly tree: ImageTree;
  /** Targets of the image's VOLUME. */
  readonly volumes: readonly string[];
  readonly os: string;
}

/** Shallower targets first. Anonymous volumes have no source yet. @throws UserError */
export async function planContainerMounts(
  store: Store,
  choices: MountChoices,
  image: ImageSide,
  cwd = process.cwd(),
): Promise<ContainerMount[]> {
  const context: SpecContext = { cwd, memoryBytes: totalmem() };
  const parsed = (
    specs: readonly string[] = [],
    parse: (spec: string, context: SpecContext) => MountRequest,
  ) => specs.map((spec) => parse(spec, context));
  const own: readonly (readonly [MountOrigin, MountRequest[]])[] = [
    ['volume', parsed(choices.volumes, parseVolumeSpec)],
    ['mount', parsed(choices.mounts, parseMountSpec)],
    ['tmpfs', parsed(choices.tmpfs, parseTmpfsSpec)],
  ];
  const winners = new Winners(image.tree);
  if (choices.imageVolumes !== false)
    for (const target of image.volumes) winners.put(imageVolume(target, image.tree));
  for (const spec of choices.volumesFrom ?? [])
    for (const mount of inherited(store, spec)) winners.put(mount);
  for (const [origin, requests] of own) {
    for (const request of requests) winners.putOnce({ origin, request });
  }
  for (const { request } of winners.list())
    if (request.type === 'bind')
      for (const volume of excludedVolumes(request)) winners.putIfFree({ origin: 'volume', request: volume });
  const mounts = await inOrder(winners.list());
  if (image.os === 'windows') refuseFileBinds(mounts);
  return mounts;
}

/** One mount for each place. */
class Winners {
  readonly #tree: ImageTree;
  readonly #mounts = new Map<string, ContainerMount>();

  constructor(tree: ImageTree) {
    this.#tree = tree;
  }

  put(mount: ContainerMount): void {
    const place = this.#tree.resolve(mount.request.target).path;
    // To its end, so that the order is the one given.
    this.#mounts.delete(place);
    this.#mounts.set(place, mount);
  }

  /** The last of several --tmpfs counts, as in Docker. @throws UserError when the same option, or a tmpfs, has the place already. */
  putOnce(mount: ContainerMount): void {
    const other = this.#mounts.get(this.#tree.resolve(mount.request.target).path);
    const isTmpfs = mount.origin === 'tmpfs';
    const isTwin = other?.origin === mount.origin ? !isTmpfs : other?.origin === 'tmpfs';
    const isTmpfsOver = isTmpfs && (other?.origin === 'volume' || other?.origin === 'mount');
    if (isTwin || isTmpfsOver) throw new UserError(`Duplicate mount point: ${mount.request.target}`);
    this.put(mount);
  }

  putIfFree(mount: ContainerMount): void {
    if (!this.#mounts.has(this.#tree.resolve(mount.request.target).path)) this.put(mount);
  }

  list(): ContainerMount[] {
    return [...this.#mounts.values()];
  }
}

function imageVolume(target: string, tree: ImageTree): ContainerMount {
  const request = parseVolumeSpec(target, { cwd: '/' }) as VolumeRequest;
  if (tree.resolve(request.target).type === 'file') {
    throw new UserError(`cannot mount volume over existing file, file exists ${target}`, {
      hint: 'use --no-image-volumes, or mount something there with -v',
    });
  }
  return { origin: 'image', request };
}

const INHERITED_MODES = ['', 'ro', 'rw', 'z', 'Z'];

/** `ID[:ro|rw|z|Z]`: all mounts of that container; `rw` leaves read-only ones as they are, labels do nothing. */
function inherited(store: Store, spec: string): ContainerMount[] {
  if (spec === '') throw new UserError('volumes-from specification cannot be an empty string');
  const colon = spec.indexOf(':');
  const mode = colon < 0 ? '' : spec.slice(colon + 1);
  if (!INHERITED_MODES.includes(mode)) {
    throw new UserError(`invalid volumes-from specification: '${spec}': invalid mode: ${mode}`, {
      hint: "it is 'ro' or 'rw'",
    });
  }
  const source = resolveContainer(store, colon < 0 ? spec : spec.slice(0, colon));
  const unnamedThere = unnamedVolumesOf(source);
  return source.mounts.map(({ request }) => {
    const readOnly = request.readOnly || mode === 'ro';
    const volume = volumeNameOf(request);
    const unnamed = volume !== undefined && unnamedThere.includes(volume);
    // Whatever is in a volume by now: nothing is copied into it.
    const copied = request.type === 'volume' ? { ...request, noCopy: true } : request;
    return { origin: 'volumes-from', unnamed, request: { ...copied, readOnly } as MountRequest };
  });
}

/** Docker's rule for Windows containers. @throws UserError */
export function refuseFileBinds(mounts: readonly ContainerMount[]): void {
  for (const { request } of mounts) {
    if (request.type !== 'bind' || request.sourceType !== 'file') continue;
    throw new UserError(
      `invalid mount config for type "bind": source path must be a directory: '${request.source}' is mounted into a windows container`,
      { hint: 'mount the directory that holds the file' },
    );
  }
}

/** Shallower targets first, binds with what their source is. @throws UserError as planMounts(). */
export async function inOrder(mounts: readonly ContainerMount[]): Promise<ContainerMount[]> {
  const asked = new Map(mounts.map((mount) => [mount.request.target, mount]));
  const requests = mounts.map(({ request }) => request);
  const remoteTypes = new Map<string, SourceType | undefined>();
  for (const { source, spec, timeoutMs } of remoteBindsOf(requests).values()) {
    const look = { path: source, limitMs: timeoutMs, what: `cannot mount '${spec}'` };
    remoteTypes.set(source, await probeSource(look));
  }
  const typeOf = (path: string): SourceType | undefined =>
    remoteTypes.has(path) ? remoteTypes.get(path) : sourceTypeOf(path);
  const planned = planMounts(requests, typeOf);
  return planned.map((request) => ({ origin: 'volume', ...asked.get(request.target), request }));
}

/** What the mounts of a container were asked for that does nothing; the kernel's mounts heed more than the tree does. */
export function noticesOf(requests: readonly MountRequest[]): string[] {
  const heeded = [PROPAGATION_NOTICE, SWITCH_NOTICE];
  return collectNotices(requests).filter((notice) => !heeded.includes(notice));
}
