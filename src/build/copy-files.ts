/**
 * COPY and ADD: where files come from (the context, another stage, an image, a here-document, the web, a tar), and what
 * the cache has to know of them.
 */

import { closeSync, openSync, readFileSync, readSync } from 'node:fs';
import { join, posix } from 'node:path';
import type { Owner } from '../container/copy/copy-objects.js';
import { containerTree, hostTree } from '../container/copy/place.js';
import { lookupUser } from '../container/enter/become-user.js';
import { ENOENT } from '../errno/errno.js';
import { check } from '../errno/fs-error.js';
import { UserError } from '../errno/user-error.js';
import { sha256 } from '../image/chain-id.js';
import { ImageStage } from '../image/image-stage.js';
import { openInput } from '../image/input.js';
import { collect, HttpClient } from '../image/registry/http.js';
import { unpackLayer } from '../image/unpack-layer.js';
import { expandValue, expandWords, jsonForm } from '../image/words.js';
import { O_RDONLY } from '../linux/constants.js';
import { nameFromText } from '../vfs/name.js';
import type { BuildContext } from './context.js';
import { type Instruction, wrongAt } from './dockerfile.js';
import { hasWildcard } from './glob.js';
import { type Arrival, placeContent, placeSource } from './place-files.js';
import { sourceFiles } from './source-files.js';
import type { StageBuild } from './stage-build.js';
import { WorkingTree } from './working-tree.js';

/** What `--from` may name. */
export interface OtherTree {
  /** For the cache. */
  readonly key: string;
  /** chainIDs in hex. */
  readonly layers: readonly string[];
}

export interface CopyTools {
  readonly context: BuildContext;
  /** A stage before this one, or an image. @throws UserError */
  readonly other: (name: string) => Promise<OtherTree>;
}

/** One thing that is copied. */
interface Piece {
  /** What the outcome depends on. */
  readonly key: string;
  place(arrival: Arrival, owner: Owner | undefined): Promise<void> | void;
}

interface Options {
  readonly from: string | undefined;
  readonly chown: string | undefined;
  readonly mode: number | undefined;
}

const MAX_REMOTE_BYTES = 2 ** 31;
const REMOTE_MODE = 0o600;

/** @throws UserError */
export async function copyFiles(
  tools: CopyTools,
  build: StageBuild,
  instruction: Instruction,
): Promise<void> {
  const options = optionsOf(build, instruction);
  const words = wordsOf(build, instruction);
  const target = words.at(-1);
  if (words.length < 2 || target === undefined) {
    throw wrongAt(instruction, 'it wants at least one source and a target');
  }
  const sources = words.slice(0, -1);
  const where = build.absolute(target) + (target.endsWith('/') || target === '.' ? '/' : '');
  const gather = new Gatherer(tools, build, { instruction, options });
  const pieces = (await Promise.all(sources.map((source) => gather.piecesOf(source)))).flat();
  if (pieces.length > 1 && !where.endsWith('/')) {
    throw wrongAt(instruction, `the target '${target}' of several sources has to end with a slash`);
  }
  await build.files({
    createdBy: `${instruction.keyword} ${instruction.flags.map(({ name, value }) => `--${name}=${value} `).join('')}${words.join(' ')}`,
    parts: pieces.map(({ key }) => key),
    change: async (tree) => {
      await using root = await tree.open();
      const owner = options.chown === undefined ? undefined : ownerOf(root.fd, options.chown);
      for (const piece of pieces) await piece.place({ rootFd: root.fd, target: where, owner }, owner);
    },
  });
}

class Gatherer {
  readonly #tools: CopyTools;
  readonly #build: StageBuild;
  readonly #instruction: Instruction;
  readonly #options: Options;

  constructor(tools: CopyTools, build: StageBuild, how: { instruction: Instruction; options: Options }) {
    this.#tools = tools;
    this.#build = build;
    this.#instruction = how.instruction;
    this.#options = how.options;
  }

  async piecesOf(source: string): Promise<Piece[]> {
    const heredoc = /^<<-?["']?(.*?)["']?$/.exec(source)?.[1];
    if (heredoc !== undefined) return [this.#heredoc(heredoc)];
    if (this.#options.from !== undefined) return [await this.#elsewhere(this.#options.from, source)];
    if (this.#instruction.keyword === 'ADD' && /^https?:\/\//.test(source))
      return [await this.#remote(source)];
    return this.#tools.context.match(source).map((path) => this.#local(path));
  }

  #local(path: string): Piece {
    const { context } = this.#tools;
    const { mode } = this.#options;
    const { digest, includes } = sourceFiles(context, path);
    const full = join(context.root, path);
    const isTar = this.#instruction.keyword === 'ADD' && looksLikeTar(full);
    return {
      key: `${path} ${digest} ${mode ?? ''}`,
      place: (arrival, owner) => {
        if (isTar) return this.#unpack(full, arrival);
        return placeSource(
          {
            tree: hostTree(context.root),
            path,
            owners: owner ?? { uid: 0, gid: 0 },
            rules: { mode, includes },
          },
          arrival,
        );
      },
    };
  }

  /** ADD of a local tar: what is in it, as it says. */
  async #unpack(path: string, arrival: Arrival): Promise<void> {
    using stage = new ImageStage(this.#build.tools.store);
    const { staged } = await unpackLayer(stage, openInput(path), { wantsEnd: true });
    const tree = { tree: hostTree(staged.tree), path: '.', owners: 'keep' as const, rules: {} };
    placeSource(tree, { ...arrival, target: `${arrival.target}/` });
  }

  async #elsewhere(from: string, source: string): Promise<Piece> {
    const { key, layers } = await this.#tools.other(from);
    const { store, intent } = this.#build.tools;
    const { mode } = this.#options;
    if (hasWildcard(source))
      throw wrongAt(this.#instruction, `patterns as '${source}' work only without --from`);
    return {
      key: `${key} ${source} ${mode ?? ''}`,
      place: async (arrival, owner) => {
        using tree = new WorkingTree(store, intent, layers);
        await using root = await tree.open();
        const found = { tree: containerTree(root.fd, from), path: posix.join('/', source), rules: { mode } };
        placeSource({ ...found, owners: owner ?? 'keep' }, arrival);
      },
    };
  }

  #heredoc(name: string): Piece {
    const found = this.#instruction.heredocs.find((one) => one.name === name);
    if (!found) throw wrongAt(this.#instruction, `the here-document '${name}' has no text`);
    const { lookup } = this.#build.state.variables;
    const text = found.expands
      ? found.content.replace(/\$(?:\w+|\{[^}]*\})/g, (variable) => expandValue(variable, lookup))
      : found.content;
    const mode = this.#options.mode ?? 0o644;
    return {
      key: `${name} ${sha256(text)} ${mode}`,
      place: (arrival) => placeContent(Buffer.from(text), name, mode, arrival),
    };
  }

  async #remote(address: string): Promise<Piece> {
    const url = new URL(address);
    const name = posix.basename(url.pathname);
    if (name === '') throw wrongAt(this.#instruction, `'${address}' names no file`);
    using http = new HttpClient({ verify: true });
    const response = await http.send({ method: 'GET', url });
    const content = await collect(response.body, MAX_REMOTE_BYTES, url.host);
    if (response.status !== 200) {
      throw wrongAt(this.#instruction, `'${url.host}' answered ${response.status} for '${address}'`);
    }
    const mode = this.#options.mode ?? REMOTE_MODE;
    return {
      key: `${name} ${sha256(content)} ${mode}`,
      place: (arrival) => placeContent(content, name, mode, arrival),
    };
  }
}

function optionsOf({ state }: StageBuild, instruction: Instruction): Options {
  const found: { from?: string; chown?: string; mode?: number } = {};
  for (const { name, value } of instruction.flags) {
    const text = expandValue(value ?? '', state.variables.lookup, instruction.escape);
    if (text === '') throw wrongAt(instruction, `the flag '--${name}' has no value`);
    if (name === 'chown') found.chown = text;
    else if (name === 'from' && instruction.keyword === 'COPY') found.from = text;
    else if (name === 'chmod') found.mode = modeOf(text);
    else throw wrongAt(instruction, `the flag '--${name}' is not supported`);
  }
  return { from: found.from, chown: found.chown, mode: found.mode };
}

function modeOf(text: string): number {
  if (!/^[0-7]{1,4}$/.test(text)) throw new UserError(`invalid mode '${text}'`, { hint: 'write it as 755' });
  return Number.parseInt(text, 8);
}

/** Sources and target; of here-documents only the first line has words. */
function wordsOf({ state }: StageBuild, { text, heredocs, escape: escapeChar }: Instruction): string[] {
  const line = heredocs.length > 0 ? (text.split('\n', 1)[0] ?? '') : text;
  const words = jsonForm(line.trim());
  if (words) return words.map((word) => expandValue(word, state.variables.lookup, escapeChar));
  return expandWords(line, state.variables.lookup, escapeChar);
}

/** Names are looked up in the tree. One number alone is both, as for Docker. */
function ownerOf(rootFd: number, text: string): Owner {
  const { uid, gid } = lookupUser(text, readIn(rootFd, '/etc/passwd'), readIn(rootFd, '/etc/group'));
  return { uid, gid: /^\d+$/.test(text) ? Number(text) : gid };
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

const MAGIC_BYTES = 512;

/** gzip, zstd, or a plain tar; others are copied as they are. */
function looksLikeTar(path: string): boolean {
  const start = Buffer.alloc(MAGIC_BYTES);
  let length: number;
  try {
    const fd = openSync(path, 'r');
    try {
      length = readSync(fd, start);
    } finally {
      closeSync(fd);
    }
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EISDIR') return false;
    throw error;
  }
  const isGzip = start.readUInt16BE(0) === 0x1f8b;
  const isZstd = start.readUInt32LE(0) === 0xfd2fb528;
  return length > 0 && (isGzip || isZstd || start.toString('latin1', 257, 262) === 'ustar');
}
