/**
 * Where COPY and ADD take files from: the context, another stage, an image, a here-document, the web, git, a tar.
 */

import { posix } from 'node:path';
import { type HereDocument, type Instruction, wrongAt } from '../../../dockerfile/dockerfile.js';
import { expandUnquoted } from '../../../dockerfile/words.js';
import { sha256 } from '../../../image/oci/chain-id.js';
import type { Owner } from '../../../realfs/tree-copy/policy.js';
import { type BuildContext, notFound } from '../../context/context.js';
import { PathFilter } from '../../context/path-filter.js';
import { type Selection, selectFiles } from '../../context/select-files.js';
import { cleanSource, hasWildcard, matchSources, type SourceTree } from '../../context/source-tree.js';
import type { StageBuild } from '../../stage/stage-build.js';
import { type Arrival, defaultOwner, writeContent, writeSource } from '../../stage/write-files.js';
import { type OpenedImage, openImageSource } from '../run/source-copy.js';
import { addArchive, readableFile } from './add-archive.js';
import type { CopyInstructionOptions } from './copy-options.js';
import type { CopyPiece } from './piece.js';
import { RemotePieces } from './remote-pieces.js';

/** What `--from` may name. */
export type OtherTree = ImageTreeSource | { readonly context: BuildContext };

export interface ImageTreeSource {
  /** For the cache. */
  readonly key: string;
  /** The id of the image in the store; empty: it has no files. */
  readonly id: string;
  /** chainIDs in hex. */
  readonly layers: readonly string[];
}

export interface CopyTools {
  readonly context: BuildContext;
  /** A stage before this one, an image, or what `--build-context` names so. @throws UserError */
  readonly other: (name: string) => Promise<OtherTree>;
}

interface CopyRequest {
  readonly instruction: Instruction;
  readonly options: CopyInstructionOptions;
}

const HEREDOC_MODE = 0o644;

export class Gatherer implements AsyncDisposable {
  readonly #tools: CopyTools;
  readonly #build: StageBuild;
  readonly #instruction: Instruction;
  readonly #options: CopyInstructionOptions;
  readonly #excluded: PathFilter;
  readonly #remote: RemotePieces;
  /** The image of `--from`, mounted at most once. */
  #other: Promise<OpenedImage> | undefined;

  constructor(tools: CopyTools, build: StageBuild, { instruction, options }: CopyRequest) {
    this.#tools = tools;
    this.#build = build;
    this.#instruction = instruction;
    this.#options = options;
    this.#excluded = new PathFilter(options.excludes);
    this.#remote = new RemotePieces(build.tools, options);
  }

  async piecesOf(source: string | HereDocument): Promise<CopyPiece> {
    if (typeof source !== 'string') return this.#heredoc(source);
    const { from } = this.#options;
    if (from === undefined) {
      const remote = await this.#remote.pieceOf(source);
      if (remote === undefined) return this.#ofContext(this.#tools.context, source);
      if (this.#instruction.keyword === 'ADD') return remote;
      throw wrongAt(this.#instruction, `'${source}' is an address`, 'ADD takes files from addresses');
    }
    const other = await this.#tools.other(from);
    return 'context' in other ? this.#ofContext(other.context, source) : this.#ofImage(other, from, source);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const opened = await this.#other?.catch(() => undefined);
    await opened?.[Symbol.asyncDispose]();
  }

  #ofContext({ source }: BuildContext, pattern: string): CopyPiece {
    const found = this.#find(source, pattern);
    if (found.length === 0 && !hasWildcard(pattern)) throw notFound(pattern);
    const digests = found.map(({ path, selection }) => [path, selectFiles(source, path, selection).digest]);
    return {
      key: JSON.stringify([digests, this.#options.modeText, this.#options.unpack]),
      count: found.length,
      place: async (arrival, owner) => {
        for (const one of found)
          await this.#write({ source, ...one, owner: owner ?? defaultOwner() }, arrival);
        return found.length;
      },
    };
  }

  #ofImage({ key, layers }: ImageTreeSource, from: string, pattern: string): CopyPiece {
    const { modeText, excludes } = this.#options;
    return {
      key: JSON.stringify([key, pattern, modeText, excludes]),
      count: undefined,
      place: async (arrival, owner) => {
        this.#other ??= openImageSource(this.#build.tools, layers);
        const { source } = await this.#other;
        const found = this.#find(source, pattern);
        if (found.length === 0 && !hasWildcard(pattern)) {
          throw wrongAt(this.#instruction, `'${pattern}' is not in '${from}'`);
        }
        if (found.length > 1 && !arrival.target.endsWith('/')) {
          throw wrongAt(this.#instruction, 'the target of several sources has to end with a slash');
        }
        for (const one of found) await this.#write({ source, ...one, owner: owner ?? 'keep' }, arrival);
        return found.length;
      },
    };
  }

  #find(source: SourceTree, pattern: string): FoundSource[] {
    const excluded = this.#options.excludes.length === 0 ? undefined : this.#excluded;
    if (this.#options.parents) return findBelow(source, pattern, excluded);
    return matchSources(source, pattern)
      .filter((path) => !hasWildcard(pattern) || !this.#excluded.matches(posix.basename(path)))
      .map((path) => ({ path, selection: { excluded } }));
  }

  async #write({ source, path, selection, owner }: PieceSource, arrival: Arrival): Promise<void> {
    if (this.#options.unpack ?? this.#instruction.keyword === 'ADD') {
      using file = readableFile(source, path);
      if (file !== undefined && (await addArchive(file.path, arrival))) return;
    }
    const selects =
      source.ignored.isEmpty && selection.excluded === undefined && selection.only === undefined
        ? {}
        : { includes: selectFiles(source, path, selection).includes };
    const rules = { mode: this.#options.mode, ...selects };
    writeSource({ tree: source.tree, path, owners: owner, rules }, arrival);
  }

  #heredoc({ name, content, expands }: HereDocument): CopyPiece {
    const { lookup } = this.#build.state.variables;
    const text = expands ? expandUnquoted(content, lookup) : content;
    return {
      key: JSON.stringify([name, sha256(text), this.#options.modeText]),
      count: 1,
      place: (arrival) => {
        writeContent(
          Buffer.from(text),
          { name, mode: HEREDOC_MODE, permissions: this.#options.mode },
          arrival,
        );
        return 1;
      },
    };
  }
}

interface FoundSource {
  readonly path: string;
  readonly selection: Selection;
}

interface PieceSource extends FoundSource {
  readonly source: SourceTree;
  readonly owner: Owner | 'keep' | undefined;
}

/** `--parents`: what matches below the root, or below the directories before the pivot `/./`, with what is above it. */
function findBelow(source: SourceTree, pattern: string, excluded: PathFilter | undefined): FoundSource[] {
  const at = pattern.indexOf('/./');
  const front = at < 0 ? '' : pattern.slice(0, at);
  const back = cleanSource(at < 0 ? pattern : pattern.slice(at + 3));
  const only = back === '' ? undefined : new PathFilter([back]);
  return matchSources(source, front)
    .map((path) => ({ path, selection: { excluded, only } }))
    .filter(({ path, selection }) => only === undefined || !selectFiles(source, path, selection).isEmpty);
}
