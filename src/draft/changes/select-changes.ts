/** Which changes a person means: by path, by the path of a directory, or by glob. */

import { posix } from 'node:path';
import { type Name, nameFromText } from '../../vfs/name.js';
import { joined } from './beneath-tree.js';
import type { Change } from './change.js';

/** `*` and `?` stop at a slash, `**` does not; a pattern without a slash is one of names, at any depth. */
function globPattern(glob: Name): RegExp {
  let source = '';
  for (let at = 0; at < glob.length; at++) {
    const char = glob[at]!;
    if (glob.startsWith('**/', at)) {
      source += '(?:.*/)?';
      at += 2;
    } else if (glob.startsWith('**', at)) {
      source += '.*';
      at += 1;
    } else if (char === '*') source += '[^/]*';
    else if (char === '?') source += '[^/]';
    else if (char === '[' && glob.indexOf(']', at + 1) > at) {
      const end = glob.indexOf(']', at + 1);
      const set = glob
        .slice(at + 1, end)
        .replace(/\\/g, '\\\\')
        .replace(/^!/, '^');
      source += `[${set}]`;
      at = end;
    } else source += char.replace(/[\\^$.|+(){}[\]]/g, '\\$&');
  }
  return new RegExp(`^${source}(?:/.*)?$`, 's');
}

/** @param texts paths or globs, relative ones to `cwd`; none: everything. */
export function selectorOf(texts: readonly string[], cwd: string): (change: Change) => boolean {
  if (texts.length === 0) return () => true;
  const tests = texts.map((text) => {
    const name = nameFromText(text.replace(/(.)\/+$/, '$1'));
    if (!text.includes('/') && /[*?[]/.test(text)) {
      const pattern = globPattern(`**/${name}`);
      return (path: Name) => pattern.test(path);
    }
    const pattern = globPattern(
      text.startsWith('/') ? posix.normalize(name) : posix.join(nameFromText(cwd), name),
    );
    return (path: Name) => pattern.test(path);
  });
  return (change) => {
    const paths = [joined(change.area.path, change.path), joined(change.area.path, change.hostPath)];
    return tests.some((test) => paths.some(test));
  };
}
