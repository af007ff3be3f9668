/**
 * `--mount key=value,...`: the whole of a mount, as docker/cli opts/mount.go and moby's validateMountConfig judge it.
 *
 * Errors of grammar name the whole value (`invalid argument "RAW" for "--mount" flag: ...`), errors of meaning name
 * the type (`invalid mount config for type "bind": ...`), each as Docker prints it.
 */

import { UserError, withPrefix } from '../../errno/user-error.js';
import { parseCsvRecord } from './csv.js';
import { noticeFor, propagationModes } from './modes.js';
import { type MountDraft, newMountDraft, setMountField } from './mount-fields.js';
import { checkVolumeName, parseHostPath, parseSubpath, parseTarget } from './paths.js';
import { finishShared } from './shared-options.js';
import type {
  BindRequest,
  ImageRequest,
  MountCommon,
  MountRequest,
  MountType,
  Propagation,
  SpecContext,
  TmpfsRequest,
  VolumeRequest,
} from './types.js';

type Build = (draft: MountDraft, common: MountCommon, context: SpecContext) => MountRequest;

const builders: ReadonlyMap<string, Build> = new Map<MountType, Build>([
  ['bind', buildBind],
  ['volume', buildVolume],
  ['tmpfs', buildTmpfs],
  ['image', buildImage],
]);

/**
 * The mount that a `--mount` value asks for.
 * @throws UserError
 */
export function parseMountSpec(raw: string, context: SpecContext): MountRequest {
  const draft = withPrefix(`invalid argument "${raw}" for "--mount" flag`, () => readFields(raw));
  return withPrefix(`invalid mount config for type "${draft.type}"`, () => {
    const build = builders.get(draft.type);
    if (!build) throw new UserError('mount type unknown', { hint: 'it is bind, volume, tmpfs or image' });
    const common: MountCommon = {
      target: parseTarget(draft.target),
      readOnly: draft.readOnly ?? false,
      spec: raw,
      origin: 'mount',
      notices: [...draft.notices],
      ...finishShared(draft.shared),
    };
    return build(draft, common, context);
  });
}

function readFields(raw: string): MountDraft {
  const value = raw.trim();
  if (value === '') throw new UserError('value is empty');
  const draft = newMountDraft();
  for (const field of parseCsvRecord(value)) setMountField(draft, field);
  for (const family of ['bind', 'volume', 'image', 'tmpfs']) {
    const mixed = draft.type !== family && [...draft.keys].some((key) => key.startsWith(`${family}-`));
    if (mixed) throw new UserError(`cannot mix '${family}-*' options with mount type '${draft.type}'`);
  }
  checkRecursion(draft);
  return draft;
}

/** Docker wants bind-propagation=rprivate typed beside `readonly`; here it is implied, only another one is refused. */
function checkRecursion(draft: MountDraft): void {
  const { recursive, propagation } = draft;
  if (recursive !== 'writable' && recursive !== 'readonly') return;
  const option = `option 'bind-recursive=${recursive}'`;
  if (!draft.readOnly) throw new UserError(`${option} requires 'readonly' to be specified in conjunction`);
  if (recursive === 'readonly' && propagation !== undefined && propagation !== 'rprivate') {
    throw new UserError(`${option} requires 'bind-propagation=rprivate' to be specified in conjunction`);
  }
}

function buildBind(draft: MountDraft, common: MountCommon, context: SpecContext): BindRequest {
  const { propagation } = draft;
  if (propagation !== undefined && !propagationModes.has(propagation)) {
    throw new UserError(`invalid propagation mode: ${propagation}`);
  }
  const notice = propagation && noticeFor(propagation);
  return {
    ...common,
    type: 'bind',
    source: parseHostPath(requireSource(draft), context.cwd),
    createSource: draft.createSource ?? false,
    recursive: draft.recursive ?? 'enabled',
    ...(propagation !== undefined && { propagation: propagation as Propagation }),
    notices: notice ? [...common.notices, notice] : common.notices,
  };
}

function buildVolume(draft: MountDraft, common: MountCommon): VolumeRequest {
  const { source, volumeSubpath, driver } = draft;
  if (source === undefined) {
    if (volumeSubpath !== undefined) throw new UserError('must not set Subpath when using anonymous volumes');
    if (common.readOnly) throw new UserError('must not set ReadOnly mode when using anonymous volumes');
  } else {
    checkVolumeName(source);
  }
  return {
    ...common,
    type: 'volume',
    source,
    noCopy: draft.noCopy ?? false,
    // fromEntries() defines own properties: a label named __proto__ stays a label.
    labels: Object.fromEntries(draft.labels),
    driverOptions: Object.fromEntries(draft.driverOptions),
    ...(volumeSubpath !== undefined && { subpath: parseSubpath(volumeSubpath, 'volume') }),
    ...(driver !== undefined && { driver }),
  };
}

function buildTmpfs(draft: MountDraft, common: MountCommon): TmpfsRequest {
  if (draft.source !== undefined) throw new UserError('field Source must not be specified');
  for (const key of ['remote', 'timeout']) {
    if (draft.keys.has(key)) throw new UserError(`cannot mix option '${key}' with mount type 'tmpfs'`);
  }
  return {
    ...common,
    type: 'tmpfs',
    source: undefined,
    // Size 0 is "no limit", to Docker and to the kernel.
    ...(draft.sizeBytes && { sizeBytes: draft.sizeBytes }),
    ...(draft.mode !== undefined && { mode: draft.mode }),
  };
}

function buildImage(draft: MountDraft, common: MountCommon): ImageRequest {
  if (draft.readOnly === false) throw new UserError('an image mount is always read-only');
  const { imageSubpath } = draft;
  return {
    ...common,
    type: 'image',
    readOnly: true,
    source: requireSource(draft),
    ...(imageSubpath !== undefined && { subpath: parseSubpath(imageSubpath, 'image') }),
  };
}

function requireSource(draft: MountDraft): string {
  if (draft.source === undefined) throw new UserError('field Source must not be empty');
  return draft.source;
}
