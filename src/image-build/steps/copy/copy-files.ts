/**
 * COPY and ADD: the words, what the cache has to know of the sources, and the step itself.
 */

import { type HereDocument, type Instruction, wrongAt } from '../../../dockerfile/dockerfile.js';
import { hereDocumentOf } from '../../../dockerfile/here-documents.js';
import { expandValue, jsonForm, rawWords } from '../../../dockerfile/words.js';
import { ownerOf } from '../../stage/file-owner.js';
import type { StageBuild } from '../../stage/stage-build.js';
import { copyOptions } from './copy-options.js';
import { type CopyTools, Gatherer } from './copy-pieces.js';

/** @throws UserError */
export async function copyStep(tools: CopyTools, build: StageBuild, instruction: Instruction): Promise<void> {
  const options = copyOptions(instruction, build.state.variables.lookup);
  const words = wordsOf(build, instruction);
  const target = words.at(-1);
  if (words.length < 2 || typeof target !== 'string') {
    throw wrongAt(instruction, 'it wants at least one source and a target');
  }
  const sources = words.slice(0, -1);
  const isDirectory = /(?:^|\/)\.{0,2}$/.test(target);
  const where = build.absolute(target).replace(/\/$/, '') + (isDirectory || options.parents ? '/' : '');
  await using gather = new Gatherer(tools, build, { instruction, options });
  const pieces = await Promise.all(sources.map((source) => gather.piecesOf(source)));
  const known = pieces.reduce((sum, { count = 0 }) => sum + count, 0);
  if ((known > 1 || sources.length > 1) && !where.endsWith('/')) {
    throw wrongAt(instruction, `the target '${target}' of several sources has to end with a slash`);
  }
  await build.files({
    createdBy: `${instruction.keyword} ${options.shown}${words.map(shown).join(' ')}`,
    parts: pieces.map(({ key }) => key),
    change: async (tree) => {
      await using root = await tree.open();
      const owner = options.chown === undefined ? undefined : ownerOf(root.fd, options.chown);
      let count = 0;
      for (const piece of pieces) {
        count += await piece.place({ rootFd: root.fd, target: where, owner }, owner);
      }
      // As in Docker no error: 'COPY optional[.]txt /' is how its users say that a file need not be there.
      if (count === 0) {
        const { message } = wrongAt(instruction, `nothing matches ${quoted(sources)}`);
        build.tools.report({ kind: 'warning', message });
      }
    },
  });
}

type Word = string | HereDocument;

function shown(word: Word): string {
  return typeof word === 'string' ? word : `<<${word.name}`;
}

function quoted(words: readonly Word[]): string {
  return words.map((word) => `'${shown(word)}'`).join(', ');
}

/** Sources and target; a here-document's operator is the document. */
function wordsOf({ state }: StageBuild, { text, heredocs, escape: escapeChar }: Instruction): Word[] {
  const { lookup } = state.variables;
  const words = heredocs.length > 0 ? undefined : jsonForm(text);
  if (words !== undefined) return words.map((word) => expandValue(word, lookup, escapeChar));
  const documents = [...heredocs];
  return rawWords(text, escapeChar).map((word) => {
    const document = hereDocumentOf(word) === undefined ? undefined : documents.shift();
    return document ?? expandValue(word, lookup, escapeChar);
  });
}
