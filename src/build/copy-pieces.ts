/**
 * Where COPY and ADD take files from: the context, another stage, an image, a here-document, the web, a tar.
 */

import { join, posix } from 'node:path';
import { type CopyRules, namesIn, type Owner } from '../container/copy/copy-objects.js';
import { containerTree, hostTree, type Tree } from '../container/copy/place.js';
import type { OpenRoot } from '../container/open-root.js';
import { sha256 } from '../image/chain-id.js';
import { expandValue } from '../image/words.js';
import { O_DIRECTORY, O_PATH, O_RDONLY } from '../linux/constants.js';
import { close } from '../linux/open.js';
import { displayName, nameFromText } from '../vfs/name.js';
import { isArchive, openArchive, unpackArchive } from './archive.js';
import { type BuildContext, patternTest } from './context.js';
import type { CopyOptions } from './copy-options.js';
import { type Instruction, wrongAt } from './dockerfile.js';
import { fetchRemote, isGitAddress } from './fetch-remote.js';
import { expandPattern, hasWildcard } from './glob.js';
import {
  type Arrival,
  defaultOwner,
  keptOwners,
  makePath,
  placeContent,
  placeSource,
} from './place-files.js';
import { sourceFiles } from './source-files.js';
import type { StageBuild } from './stage-build.js';
import { WorkingTree } from './working-tree.js';

/** What `--from` may name. */
export interface OtherTree {
  /** For the cache. */
  readonly key: string;
  /** Of the image in the store; empty: it has no files. */
  readonly id: string;
  /** chainIDs in hex. */
  readonly layers: readonly string[];
}

export interface CopyTools {
  readonly context: BuildContext;
  /** A stage before this one, or an image. @throws UserError */
  readonly other: (name: string) => Promise<OtherTree>;
}

/** One thing that is copied. */
export interface Piece {
  /** What the outcome depends on. */
  readonly key: string;
  place(arrival: Arrival, owner: Owner | undefined): Promise<void> | void;
}

const HEREDOC_MODE = 0o644;
const REMOTE_MODE = 0o600;

export class Gatherer implements AsyncDisposable {
  readonly #tools: CopyTools;
  readonly #build: StageBuild;
  readonly #instruction: Instruction;
  readonly #options: CopyOptions;
  readonly #isExcluded: (path: string) => boolean;
  /** Of `--from`, mounted at most once. */
  #other: Promise<OpenedTree> | undefined;

  constructor(
    tools: CopyTools,
    build: StageBuild,
    how: { readonly instruction: Instruction; readonly options: CopyOptions },
  ) {
    this.#tools = tools;
    this.#build = build;
    this.#instruction = how.instruction;
    this.#options = how.options;
    this.#isExcluded = patternTest(how.options.excludes);
  }

  async piecesOf(source: string): Promise<Piece[]> {
    const heredoc = /^<<-?["']?(.*?)["']?$/.exec(source)?.[1];
    if (heredoc !== undefined) return [this.#heredoc(heredoc)];
    if (this.#options.from !== undefined) return this.#elsewhere(this.#options.from, source);
    if (this.#instruction.keyword === 'ADD' && isGitAddress(source)) {
      throw wrongAt(this.#instruction, `'${source}' is a git repository, which is not supported`);
    }
    if (this.#instruction.keyword === 'ADD' && /^https?:\/\//.test(source))
      return [await this.#remote(source)];
    const [front] = pivoted(source);
    const paths = this.#tools.context.match(source).filter((path) => !this.#isExcluded(posix.basename(path)));
    return Promise.all(paths.map((path) => this.#local(path, front)));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const opened = await this.#other?.catch(() => undefined);
    await opened?.root[Symbol.asyncDispose]();
    opened?.tree[Symbol.dispose]();
  }

  async #local(path: string, front: string): Promise<Piece> {
    const { context } = this.#tools;
    const { mode } = this.#options;
    const { digest, includes } = sourceFiles(context, path, this.#isExcluded);
    const full = join(context.root, path);
    const isTar = this.#instruction.keyword === 'ADD' && (await isArchive(full));
    return {
      key: `${path} ${digest} ${mode ?? ''}`,
      place: async (arrival, owner) => {
        if (isTar) return unpackTo(full, arrival, owner);
        const found = { tree: hostTree(context.root), path, rules: { mode, includes } };
        this.#put({ ...found, owners: owner ?? defaultOwner() }, arrival, front);
      },
    };
  }

  async #elsewhere(from: string, source: string): Promise<Piece[]> {
    const { mode, excludes } = this.#options;
    const { key } = await this.#tools.other(from);
    const [front] = pivoted(source);
    const includes = (path: string): boolean => !this.#isExcluded(displayName(path));
    const place = async (arrival: Arrival, owner: Owner | undefined): Promise<void> => {
      const { root } = await this.#openOther(from);
      const tree = containerTree(root.fd, from);
      const paths = hasWildcard(source)
        ? expandPattern(source, (path) => entriesOf(tree, path)).sort()
        : [source];
      if (paths.length === 0) throw wrongAt(this.#instruction, `nothing in '${from}' matches '${source}'`);
      if (paths.length > 1 && !arrival.target.endsWith('/')) {
        throw wrongAt(this.#instruction, 'the target of several sources has to end with a slash');
      }
      const rules: CopyRules = excludes.length === 0 ? { mode } : { mode, includes };
      for (const path of paths.filter((one) => includes(nameFromText(posix.basename(one))))) {
        const found = { tree, path: posix.join('/', path), rules, owners: owner ?? ('keep' as const) };
        this.#put(found, arrival, front);
      }
    };
    return [{ key: `${key} ${source} ${mode ?? ''} ${excludes.join(' ')}`, place }];
  }

  /** `--parents`: below the target what stands before the source's last name, from the pivot `/./` on. */
  #put(source: Parameters<typeof placeSource>[0], arrival: Arrival, front: string): void {
    if (!this.#options.parents) {
      placeSource(source, arrival);
      return;
    }
    const kept = posix.relative(posix.join('/', front), posix.join('/', source.path));
    const isDirectory = isDirectoryIn(source.tree, source.path);
    const target = posix.join(arrival.target, isDirectory ? kept : posix.dirname(kept));
    placeSource(source, { ...arrival, target: `${target}/` });
  }

  #openOther(from: string): Promise<OpenedTree> {
    this.#other ??= this.#tools.other(from).then(async ({ layers }) => {
      const { store, intent } = this.#build.tools;
      const tree = new WorkingTree(store, intent, layers);
      return { tree, root: await tree.open() };
    });
    return this.#other;
  }

  #heredoc(name: string): Piece {
    const found = this.#instruction.heredocs.find((one) => one.name === name);
    if (!found) throw wrongAt(this.#instruction, `the here-document '${name}' has no text`);
    const { lookup } = this.#build.state.variables;
    // What is escaped stays as it is, with its escape.
    const text = found.expands
      ? found.content.replace(/\\[\s\S]|\$(?:\w+|\{[^}]*\})/g, (piece) =>
          piece.startsWith('\\') ? piece : expandValue(piece, lookup),
        )
      : found.content;
    const mode = this.#options.mode ?? HEREDOC_MODE;
    return {
      key: `${name} ${sha256(text)} ${mode}`,
      place: (arrival) => placeContent(Buffer.from(text), { name, mode }, arrival),
    };
  }

  async #remote(address: string): Promise<Piece> {
    const mode = this.#options.mode ?? REMOTE_MODE;
    const { name, content, mtimeSec } = await fetchRemote(address);
    const digest = sha256(content);
    const { checksum } = this.#options;
    if (checksum !== undefined && checksum !== `sha256:${digest}`) {
      throw wrongAt(this.#instruction, `'${address}' has the digest 'sha256:${digest}', not '${checksum}'`);
    }
    return {
      key: `${name} ${digest} ${mode}`,
      place: (arrival) => placeContent(content, { name, mode, mtimeSec }, arrival),
    };
  }
}

interface OpenedTree {
  readonly tree: WorkingTree;
  readonly root: OpenRoot;
}

/** What stands before `/./`, and after it. */
function pivoted(source: string): [front: string, back: string] {
  const at = source.indexOf('/./');
  return at < 0 ? ['', source] : [source.slice(0, at), source.slice(at + 3)];
}

/** Names in a directory; none where it is no directory. */
function entriesOf(tree: Tree, path: string): string[] {
  const fd = tree.open(nameFromText(posix.join('/', path)), O_RDONLY | O_DIRECTORY);
  if (fd < 0) return [];
  try {
    return namesIn(fd).map(displayName);
  } finally {
    close(fd);
  }
}

function isDirectoryIn(tree: Tree, path: string): boolean {
  const fd = tree.open(nameFromText(path === '' ? '.' : path), O_PATH | O_DIRECTORY);
  if (fd >= 0) close(fd);
  return fd >= 0;
}

/** ADD of a local tar: what is in it, as it says. */
async function unpackTo(path: string, { rootFd, target }: Arrival, owner: Owner | undefined): Promise<void> {
  close(makePath(rootFd, target, owner));
  await unpackArchive(await openArchive(path), { rootFd, directory: target, owners: owner ?? keptOwners() });
}
