/**
 * What `RUN --mount` shows to the command, without a trace in the layer: mount points are virtual.
 */

import { statSync } from 'node:fs';
import { join, posix } from 'node:path';
import type { ContentSource } from '../../../container/enter/enter-request.js';
import { UserError } from '../../../errno/user-error.js';
import { sha256 } from '../../../image/oci/chain-id.js';
import type { MountCommon, MountRequest } from '../../../mounts/request/types.js';
import type { ContainerMount } from '../../../store/container-record.js';
import type { FileLock } from '../../../store/lock.js';
import { type BuildContext, notFound } from '../../context/context.js';
import { selectFiles } from '../../context/select-files.js';
import { matchSources } from '../../context/source-tree.js';
import type { StageBuild } from '../../stage/stage-build.js';
import type { WorkingTree } from '../../stage/working-tree.js';
import type { CopyTools, ImageTreeSource } from '../copy/copy-pieces.js';
import type { RunMount } from './run-options.js';
import { copiedSource, openImageSource } from './source-copy.js';

export interface RunMountTools extends CopyTools {
  /** By id. */
  readonly secrets: ReadonlyMap<string, Buffer>;
  /** Sockets of ssh agents, by id. */
  readonly agents: ReadonlyMap<string, string>;
}

/** A mount that is known to be there. */
export interface PlannedMount {
  /** What the outcome of RUN depends on. */
  readonly key: string;
  /** Makes what it needs, in the tree or the store. */
  attach(tree: WorkingTree, held: FileLock[]): Promise<AttachedRunMount> | AttachedRunMount;
}

interface AttachedRunMount {
  readonly mount?: ContainerMount;
  /** What the mount shows in place of its source. */
  readonly content?: ContentSource;
  /** `NAME=VALUE`, for the command alone. */
  readonly environment?: string;
}

const SECRETS = '/run/secrets';
const SECRET_MODE = 0o400;
const AGENTS = '/run/buildkit';

/** The mount point; a relative one is taken from WORKDIR, which it is when none is given. @throws UserError */
export function mountTarget(build: StageBuild, { target, spec }: RunMount, preset = ''): string {
  const absolute = build.absolute(target ?? preset).replace(/(.)\/$/, '$1');
  if (absolute === '/') throw new UserError(`the mount '${spec}' would hide everything`);
  return absolute;
}

export function commonOf(mount: RunMount, target: string): MountCommon {
  const { spec, readOnly } = mount;
  return { target, readOnly: readOnly ?? true, spec, origin: 'mount', notices: [] };
}

/** A directory or file of the host. */
export function bindOf(common: MountCommon, source: string): AttachedRunMount {
  const request: MountRequest = {
    ...common,
    type: 'bind',
    source,
    createSource: false,
    recursive: 'enabled',
  };
  return { mount: { origin: 'mount', request } };
}

export function tmpfsMount(build: StageBuild, mount: RunMount): PlannedMount {
  const size = mount.sizeBytes === undefined ? {} : { sizeBytes: mount.sizeBytes };
  const common = { ...commonOf(mount, mountTarget(build, mount)), readOnly: mount.readOnly ?? false };
  const request: MountRequest = { ...common, type: 'tmpfs', source: undefined, ...size };
  return { key: mount.spec, attach: () => ({ mount: { origin: 'mount', request } }) };
}

/** Mounts the context, a stage or an image. What a writable one is given goes with the command. @throws UserError */
export async function bindMount(
  tools: RunMountTools,
  build: StageBuild,
  mount: RunMount,
): Promise<PlannedMount> {
  const common = commonOf(mount, mountTarget(build, mount));
  const other = mount.from === undefined ? tools : await tools.other(mount.from);
  return 'context' in other
    ? contextMount(other.context, mount, common)
    : imageMount(build, other, mount, common);
}

function contextMount(context: BuildContext, mount: RunMount, common: MountCommon): PlannedMount {
  const { spec, source = '.' } = mount;
  const [path] = matchSources(context.source, source);
  if (path === undefined) throw notFound(source);
  const { digest, leavesOut } = selectFiles(context.source, path);
  return {
    key: `${spec} ${digest}`,
    attach: (tree) => {
      const isWhole = common.readOnly && !leavesOut;
      return bindOf(common, isWhole ? join(context.root, path) : copiedSource(tree, context.source, path));
    },
  };
}

function imageMount(
  build: StageBuild,
  { key, id, layers }: ImageTreeSource,
  { spec, source = '/' }: RunMount,
  common: MountCommon,
): PlannedMount {
  if (id === '') throw new UserError(`the mount '${spec}' is of a stage without files`);
  const subpath = posix.join('/', source).replace(/^\/|\/$/g, '');
  const place = { type: 'image', source: id, ...(subpath === '' ? {} : { subpath }) } as const;
  const request: MountRequest = { ...common, ...place };
  return {
    key: `${spec} ${key}`,
    attach: async (tree) => {
      if (common.readOnly) return { mount: { origin: 'mount', request } };
      await using opened = await openImageSource(build.tools, layers);
      return bindOf(common, copiedSource(tree, opened.source, subpath));
    },
  };
}

/** @throws UserError when it is required, and not there. */
export function secretMount({ secrets }: RunMountTools, build: StageBuild, mount: RunMount): PlannedMount {
  const id = mount.id ?? posix.basename(mount.target ?? '');
  const content = secrets.get(id);
  if (content === undefined && mount.required) {
    throw new UserError(`there is no secret '${id}'`, { hint: `give it by --secret id=${id},src=FILE` });
  }
  const { env, mode = SECRET_MODE, uid = 0, gid = 0 } = mount;
  // A secret is no part of what the cache knows, as with BuildKit.
  const key = mount.spec;
  if (content === undefined) return { key, attach: () => ({}) };
  const environment = env === undefined ? {} : { environment: `${env}=${content.toString('utf8')}` };
  if (env !== undefined && mount.target === undefined) return { key, attach: () => environment };
  const target = mountTarget(build, mount, `${SECRETS}/${posix.basename(id)}`);
  const common = { ...commonOf(mount, target), readOnly: true };
  return {
    key,
    attach: (tree) => {
      // A mount point alone: what was written there would stay on the disk when the build is killed.
      const rights = { mode: 0o400, uid: 0, gid: 0 };
      const source = tree.addFile(`secret-${sha256(target).slice(0, 16)}`, Buffer.alloc(0), rights);
      const shown = { kind: 'content', base64: content.toString('base64'), mode, uid, gid } as const;
      return { ...environment, ...bindOf(common, source), content: shown };
    },
  };
}

/** The agent of `--ssh`; without one RUN goes on, unless it is required. @throws UserError */
export function sshMount({ agents }: RunMountTools, build: StageBuild, mount: RunMount): PlannedMount {
  const id = mount.id ?? 'default';
  const socket = agents.get(id);
  if (socket === undefined && mount.required) {
    throw new UserError(`there is no ssh agent '${id}'`, { hint: `give it by --ssh ${id}` });
  }
  // Which keys it has is no part of what the cache knows.
  if (socket === undefined) return { key: mount.spec, attach: () => ({}) };
  if (statSync(socket, { throwIfNoEntry: false })?.isSocket() !== true) {
    throw new UserError(`the ssh agent '${id}': '${socket}' is no socket`);
  }
  const target = mountTarget(build, mount, `${AGENTS}/ssh_agent.${id}`);
  const common = { ...commonOf(mount, target), readOnly: false };
  return {
    key: mount.spec,
    attach: () => ({ ...bindOf(common, socket), environment: `SSH_AUTH_SOCK=${target}` }),
  };
}
