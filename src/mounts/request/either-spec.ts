/**
 * One mount in either form: as the value of `-v` or of `--mount`.
 *
 * A source or target begins with a slash or a dot, a volume's name has neither `=` nor `,` in it: what begins with a
 * word and one of these is a list of fields.
 */

import { parseMountSpec } from './mount-spec.js';
import type { MountRequest, SpecContext } from './types.js';
import { parseVolumeSpec } from './volume-spec.js';

/** @throws UserError as parseMountSpec() or parseVolumeSpec(). */
export function parseEitherSpec(raw: string, context: SpecContext): MountRequest {
  return /^"|^[a-z-]+[=,]/.test(raw) ? parseMountSpec(raw, context) : parseVolumeSpec(raw, context);
}
