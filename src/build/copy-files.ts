/**
 * COPY and ADD: the words, what the cache has to know of the sources, and the step itself.
 */

import { closeSync, readFileSync } from 'node:fs';
import type { Owner } from '../container/copy/copy-objects.js';
import { containerTree } from '../container/copy/place.js';
import { lookupUser } from '../container/enter/become-user.js';
import { ENOENT } from '../errno/errno.js';
import { check } from '../errno/fs-error.js';
import { UserError } from '../errno/user-error.js';
import { expandValue, expandWords, jsonForm } from '../image/words.js';
import { O_RDONLY } from '../linux/constants.js';
import { CAP_CHOWN, hasCapability } from '../linux/process.js';
import { nameFromText } from '../vfs/name.js';
import { copyOptions } from './copy-options.js';
import { type CopyTools, Gatherer } from './copy-pieces.js';
import { type Instruction, wrongAt } from './dockerfile.js';
import type { StageBuild } from './stage-build.js';

/** @throws UserError */
export async function copyFiles(
  tools: CopyTools,
  build: StageBuild,
  instruction: Instruction,
): Promise<void> {
  const options = copyOptions(instruction, build.state.variables.lookup);
  const words = wordsOf(build, instruction);
  const target = words.at(-1);
  if (words.length < 2 || target === undefined) {
    throw wrongAt(instruction, 'it wants at least one source and a target');
  }
  const sources = words.slice(0, -1);
  const isDirectory = /(?:^|\/)\.{0,2}$/.test(target);
  const where = build.absolute(target).replace(/\/$/, '') + (isDirectory || options.parents ? '/' : '');
  await using gather = new Gatherer(tools, build, { instruction, options });
  const pieces = (await Promise.all(sources.map((source) => gather.piecesOf(source)))).flat();
  if (pieces.length === 0) throw wrongAt(instruction, `nothing matches ${quoted(sources)}`);
  if ((pieces.length > 1 || sources.length > 1) && !where.endsWith('/')) {
    throw wrongAt(instruction, `the target '${target}' of several sources has to end with a slash`);
  }
  await build.files({
    createdBy: `${instruction.keyword} ${options.shown}${words.join(' ')}`,
    parts: pieces.map(({ key }) => key),
    change: async (tree) => {
      await using root = await tree.open();
      const owner = options.chown === undefined ? undefined : ownerOf(root.fd, options.chown);
      for (const piece of pieces) await piece.place({ rootFd: root.fd, target: where, owner }, owner);
    },
  });
}

function quoted(words: readonly string[]): string {
  return words.map((word) => `'${word}'`).join(', ');
}

/** Sources and target; of here-documents only the first line has words. */
function wordsOf({ state }: StageBuild, { text, heredocs, escape: escapeChar }: Instruction): string[] {
  const line = heredocs.length > 0 ? (text.split('\n', 1)[0] ?? '') : text;
  const words = jsonForm(line.trim());
  if (words) return words.map((word) => expandValue(word, state.variables.lookup, escapeChar));
  return expandWords(line, state.variables.lookup, escapeChar);
}

/** Names are looked up in the tree. One number alone is both, as for Docker. */
function ownerOf(rootFd: number, text: string): Owner | undefined {
  const { uid, gid } = lookupUser(text, readIn(rootFd, '/etc/passwd'), readIn(rootFd, '/etc/group'));
  const owner = { uid, gid: /^\d+$/.test(text) ? Number(text) : gid };
  if (hasCapability(CAP_CHOWN)) return owner;
  // Root of the build is who builds.
  if (owner.uid === 0 && owner.gid === 0) return undefined;
  throw new UserError(`files cannot be given to '${text}' without privileges`, { hint: 'run plyfs as root' });
}

function readIn(rootFd: number, path: string): string {
  const fd = containerTree(rootFd, 'build').open(nameFromText(path), O_RDONLY);
  if (fd === -ENOENT) return '';
  check(fd, 'open', path);
  try {
    return readFileSync(fd, 'utf8');
  } finally {
    closeSync(fd);
  }
}
