/**
 * `--annotation` of a build: `[LEVEL[PLATFORM]:]KEY=VALUE`, levels separated by commas, as buildx has them.
 *
 * An image is a manifest alone unless something is to be said of its index; then it gets one, with it alone in it.
 */

import { UserError } from '../../errno/user-error.js';
import type { Platform } from '../../image/oci/oci.js';
import { formatPlatform, parsePlatform, servesPlatform } from '../../image/oci/platform.js';

export interface Annotations {
  readonly manifest: Readonly<Record<string, string>>;
  /** Annotations of the manifest's descriptor in the index. */
  readonly 'manifest-descriptor': Readonly<Record<string, string>>;
  readonly index: Readonly<Record<string, string>>;
}

type Level = keyof Annotations;

const LEVELS: readonly string[] = ['manifest', 'manifest-descriptor', 'index'] satisfies Level[];
const HINT = `the levels are ${LEVELS.join(', ')}`;

/** @throws UserError */
export function parseAnnotations(texts: readonly string[], platform: Platform): Annotations {
  const found = { manifest: {}, 'manifest-descriptor': {}, index: {} } as Record<
    Level,
    Record<string, string>
  >;
  for (const text of texts) {
    const { levels, key, value } = parseAnnotation(text, platform);
    for (const level of levels) found[level][key] = value;
  }
  return found;
}

interface Annotation {
  readonly levels: readonly Level[];
  readonly key: string;
  readonly value: string;
}

function parseAnnotation(text: string, platform: Platform): Annotation {
  const equals = text.indexOf('=');
  if (equals < 1) throw new UserError(`invalid annotation '${text}'`, { hint: 'write KEY=VALUE' });
  const [name, value] = [text.slice(0, equals), text.slice(equals + 1)];
  const [, prefix, key] = /^((?:[a-z-]+(?:\[[^\]]*\])?,?)+):(.+)$/.exec(name) ?? [];
  // A key may have a colon itself.
  if (prefix === undefined || key === undefined || !/^(?:manifest|index)/.test(prefix)) {
    return { levels: ['manifest'], key: name, value };
  }
  return { levels: prefix.split(',').map((level) => levelOf(level, text, platform)), key, value };
}

function levelOf(written: string, text: string, platform: Platform): Level {
  const [, level = '', wanted] = /^([a-z-]+)(?:\[(.*)\])?$/.exec(written) ?? [];
  if (level === 'index-descriptor') {
    throw new UserError(`the annotation '${text}' cannot be had: no descriptor of an index is kept here`, {
      hint: HINT,
    });
  }
  if (!LEVELS.includes(level)) {
    throw new UserError(`the annotation '${text}' is of no known level`, { hint: HINT });
  }
  if (wanted !== undefined && !servesPlatform(parsePlatform(wanted), platform)) {
    throw new UserError(
      `the annotation '${text}' is for ${wanted}, and the build for ${formatPlatform(platform)}`,
    );
  }
  return level as Level;
}
