/**
 * `plyfs image diff`: what differs between two images, containers, volumes, layers or directories.
 */

import { Command } from 'commander';
import type { Difference } from '../../../image/contents/compare-trees.js';
import type { ObjectFacts } from '../../../image/contents/shown-facts.js';
import type { FileSystem } from '../../../vfs/file-system.js';
import { displayName, type Name } from '../../../vfs/name.js';
import { addStoreOptions, attempt, openStore, type StoreFlags } from '../../frame/store-command.js';
import { formatJson, type Row } from '../../print/format-table.js';
import { printShown, shown } from '../../print/output.js';
import { humanSize } from '../../print/progress.js';
import { hunkText } from '../draft/review-command.js';

const DETAILS = `
A and B are images, containers or volumes by name, in this order of preference; image:NAME, container:NAME, volume:NAME,
layer:ID and dir:PATH say which, and what begins with / or . is a directory. Nothing has to be mounted or run.

A added, C changed, D deleted with all below it, R renamed, as a whole directory or a file; sorted by path. What was
compared: type, mode, owner, content, link target, extended attributes, and times unless --semantic.

Examples:
  plyfs image diff app:1 app:2
  plyfs image diff -p app:1 app:2 | less
  plyfs image diff --semantic --exit-code app:1 app:rebuilt      are two builds the same?
  plyfs image diff debian container:web
  plyfs image diff volume:data ./backup`;

export interface DiffFlags extends StoreFlags {
  readonly format: string;
  readonly semantic?: boolean;
  readonly exitCode?: boolean;
  readonly patch?: boolean;
}

export function imageDiffCommand(): Command {
  const command = new Command('diff')
    .description('say what differs between two images, containers, volumes, layers or directories')
    .argument('<a>')
    .argument('<b>');
  return addStoreOptions(addDiffOptions(command))
    .addHelpText('after', DETAILS)
    .action((a: string, b: string, flags: DiffFlags) =>
      attempt('image diff', flags, () => runDiff(a, b, flags)),
    );
}

export function addDiffOptions(command: Command): Command {
  return command
    .option('--semantic', 'times do not count')
    .option('-p, --patch', 'hunks of texts too')
    .option('--exit-code', 'end with 1 when there is a difference')
    .option('--format <format>', "'text' or 'json', a record a line", 'text');
}

async function runDiff(a: string, b: string, flags: DiffFlags): Promise<void> {
  const { openNamedTree } = await import('../../../container/changes/named-tree.js');
  const store = await openStore(flags);
  using before = await openNamedTree(store, a);
  using after = await openNamedTree(store, b);
  await printDifferences({ before: before.fs, after: after.fs }, flags);
}

interface ComparedTrees {
  readonly before: FileSystem;
  /** The directory of it that is compared; by default its root. */
  readonly beforeAt?: Name | undefined;
  readonly after: FileSystem;
  /** What a difference of the two is to a user. @returns undefined: nothing. */
  shown?(difference: Difference): Difference | undefined;
}

/** Prints what differs, and sets the exit status that the flags ask for. */
export async function printDifferences(
  { before, beforeAt, after, shown: shownTo = (one) => one }: ComparedTrees,
  flags: DiffFlags,
): Promise<void> {
  const { compareTrees } = await import('../../../image/contents/compare-trees.js');
  const differences = compareTrees(before, after, {
    beforeAt,
    ignoresTimes: flags.semantic === true,
  }).flatMap((found) => {
    const told = shownTo(found);
    return told === undefined ? [] : [{ found, told }];
  });
  if (flags.format === 'json') printShown(formatJson(differences.map(({ told }) => rowOf(told))));
  else {
    const hunks = flags.patch === true ? await hunkReader(before, after, beforeAt) : () => [];
    printShown(
      differences
        .flatMap(({ found, told }) => [lineOf(told), ...hunks(found)])
        .map((line) => `${line}\n`)
        .join(''),
    );
  }
  if (flags.exitCode === true && differences.length > 0) process.exitCode = 1;
}

/** @returns the lines to show below a file whose text differs. */
async function hunkReader(
  before: FileSystem,
  after: FileSystem,
  beforeAt: Name | undefined,
): Promise<(difference: Difference) => readonly string[]> {
  const { TreeHunks } = await import('../../../draft/changes/tree-hunks.js');
  const hunks = new TreeHunks(before, after, beforeAt);
  return ({ path, aspects }) => (aspects.includes('content') ? (hunks.at(path) ?? []).flatMap(hunkText) : []);
}

function rowOf({ kind, path, from, aspects, before, after }: Difference): Row {
  return {
    Kind: kind,
    Path: absolute(path),
    From: from === undefined ? '' : absolute(from),
    Aspects: aspects,
    Before: before === undefined ? '' : factsText(before),
    After: after === undefined ? '' : factsText(after),
  };
}

function lineOf({ kind, path, from, aspects, before, after }: Difference): string {
  if (kind === 'R') return `R ${shown(absolute(from!))} -> ${shown(absolute(path))}`;
  const details = aspects.map((aspect) => detail(aspect, before!, after!));
  return `${kind} ${shown(absolute(path))}${details.length === 0 ? '' : `  ${details.join(', ')}`}`;
}

function detail(aspect: Difference['aspects'][number], before: ObjectFacts, after: ObjectFacts): string {
  switch (aspect) {
    case 'type':
      return `type ${before.type} -> ${after.type}`;
    case 'mode':
      return `mode ${octal(before.mode)} -> ${octal(after.mode)}`;
    case 'owner':
      return `owner ${before.uid}:${before.gid} -> ${after.uid}:${after.gid}`;
    case 'content':
      return before.sizeBytes === after.sizeBytes
        ? 'content'
        : `content (${humanSize(before.sizeBytes)} -> ${humanSize(after.sizeBytes)})`;
    case 'time':
      return `time ${timeText(before)} -> ${timeText(after)}`;
    default:
      return aspect;
  }
}

function factsText({ type, mode, uid, gid, sizeBytes, mtimeMs }: ObjectFacts): string {
  return `${type} ${octal(mode)} ${uid}:${gid} ${sizeBytes} ${new Date(mtimeMs).toISOString()}`;
}

function timeText({ mtimeMs }: ObjectFacts): string {
  return new Date(mtimeMs).toISOString().replace(/\.000Z$/, 'Z');
}

function octal(mode: number): string {
  return mode.toString(8).padStart(4, '0');
}

function absolute(path: string): string {
  return `/${displayName(path)}`;
}
