/**
 * `-v [SOURCE:]TARGET[:MODES]`, as moby's linux_parser.go reads it in a raw form and docker/cli resolves `./x`.
 *
 * A colon in the third part is allowed inside the value of a plyfs option (`squash=0:0`); anywhere else a fourth part
 * makes the specification invalid. Each error names the whole specification.
 */

import { UserError, withPrefix } from '../../errno/user-error.js';
import { checkChanges } from './kinds/bind-kind.js';
import { isModeList, type Modes, parseModes } from './modes.js';
import { checkDockerVolumeName, isHostPath, parseHostPath, parseTarget } from './paths.js';
import { finishShared } from './shared-options.js';
import type { MountRequest, SpecContext } from './types.js';

interface Parts {
  readonly source: string | undefined;
  readonly target: string;
  readonly modes: string;
}

/**
 * The bind or volume that a `-v` value asks for.
 * @throws UserError that starts `invalid volume specification: 'RAW'`.
 */
export function parseVolumeSpec(raw: string, context: SpecContext): MountRequest {
  const problem = `invalid volume specification: '${raw}'`;
  const parts = splitSpec(raw);
  if (!parts) throw new UserError(problem, { hint: 'write [SOURCE:]TARGET[:MODES]' });
  return withPrefix(problem, () => {
    const modes = parseModes(parts.modes);
    const type = parts.source !== undefined && isHostPath(parts.source) ? 'bind' : 'volume';
    return withPrefix(`invalid mount config for type "${type}"`, () =>
      buildRequest(raw, parts, modes, context),
    );
  });
}

function buildRequest(raw: string, parts: Parts, modes: Modes, context: SpecContext): MountRequest {
  const { source } = parts;
  const common = {
    target: parseTarget(parts.target),
    readOnly: modes.readOnly,
    spec: raw,
    origin: 'v',
    notices: modes.notices,
    ...finishShared(modes.shared),
  } as const;
  if (source !== undefined && isHostPath(source)) {
    if (modes.noCopy) throw new UserError('field VolumeOptions must not be specified: nocopy is for volumes');
    checkChanges(modes, common);
    return {
      ...common,
      type: 'bind',
      source: parseHostPath(source, context.cwd),
      createSource: false,
      recursive: 'enabled',
      ...(modes.cow && { cow: true }),
      ...(modes.merge && { merge: true }),
      ...(modes.shared.exclude.length > 0 && { exclude: modes.shared.exclude }),
      ...(modes.propagation !== undefined && { propagation: modes.propagation }),
    };
  }
  if (modes.shared.exclude.length > 0) throw new UserError('exclude is for binds');
  if (modes.merge) throw new UserError('merge is for binds: a volume is filled with what the image has');
  if (modes.cow) throw new UserError('cow is for binds: a volume is written by its users');
  if (modes.propagation) {
    throw new UserError(`field BindOptions must not be specified: ${modes.propagation} is for binds`);
  }
  if (source?.startsWith('~')) {
    throw new UserError(`"${source}" is neither an absolute path nor a volume name`, {
      hint: 'the shell did not expand ~; write $HOME',
    });
  }
  if (source !== undefined) checkDockerVolumeName(source);
  return { ...common, type: 'volume', source, noCopy: modes.noCopy, labels: {}, driverOptions: {} };
}

/** Undefined when the number or the form of the parts is wrong. */
function splitSpec(raw: string): Parts | undefined {
  const [first = '', second, ...rest] = raw.split(':');
  if (first === '') return undefined;
  if (second === undefined) return { source: undefined, target: first, modes: '' };
  // A target with modes but no source (/x:ro): Docker takes it for a mistake, since it looks like SOURCE:TARGET.
  if (rest.length === 0) return isModeList(second) ? undefined : { source: first, target: second, modes: '' };
  const modes = rest.join(':');
  const strayColon = modes.split(',').some((item) => item.split('=', 1)[0]!.includes(':'));
  return strayColon ? undefined : { source: first, target: second, modes };
}
