/**
 * `plyfs image find`: what is in the layers of an image, also what later layers hide.
 */

import { Command, Option } from 'commander';
import { UserError } from '../../../errno/user-error.js';
import type { Criteria, FoundObject } from '../../../image/contents/find-objects.js';
import type { ObjectType } from '../../../image/contents/shown-facts.js';
import type { Hiding } from '../../../image/contents/stacked-layers.js';
import { displayName } from '../../../vfs/name.js';
import { addListOptions, formatList, type ListFlags, type ListShape } from '../../frame/list-options.js';
import { attempt, openStore, ROOT_FLAG, ROOT_TEXT } from '../../frame/store-command.js';
import { keyLines, type Row } from '../../print/format-table.js';
import { printShown } from '../../print/output.js';
import { humanSize } from '../../print/progress.js';

const SHAPE: ListShape = {
  keys: [
    'Layer',
    'LayerID',
    'State',
    'HiddenBy',
    'Type',
    'Mode',
    'Owner',
    'UID',
    'GID',
    'Size',
    'SizeBytes',
    'ModifiedAt',
    'Path',
    'CreatedBy',
  ],
  columns: [
    { title: 'LAYER', key: 'Layer' },
    { title: 'STATE', key: 'State' },
    { title: 'MODE', key: 'Mode' },
    { title: 'OWNER', key: 'Owner' },
    { title: 'SIZE', key: 'Size' },
    { title: 'PATH', key: 'Path' },
  ],
  quietKey: 'Path',
};

const DETAILS = `
A pattern without a slash is one of names, else of whole paths: *, ?, [a-z], and ** for any number of directories. All that is
asked for has to hold. Layers are counted from the bottom, beginning with 1. State says whether the object shows, or which
layer hides it: deleted (a whiteout), replaced, or below a directory made new (opaque). Ends with 1 when nothing is found.

Keys of --format json and of a template:
${keyLines(SHAPE.keys)}.

Examples:
  plyfs image find app '*.pem'                         also those that a later layer deletes
  plyfs image find app --content 'BEGIN RSA PRIVATE' --format '{{.Layer}} {{.Path}}: {{.CreatedBy}}'
  plyfs image find --setuid app
  plyfs image find --hidden --min-size 10m app`;

const TYPES: Readonly<Record<string, ObjectType>> = {
  f: 'file',
  d: 'directory',
  l: 'symlink',
  c: 'character',
  b: 'block',
  p: 'fifo',
  s: 'socket',
};

interface FindFlags extends ListFlags {
  readonly root?: string;
  readonly type?: string;
  readonly content?: string;
  readonly user?: string;
  readonly group?: string;
  readonly setuid?: boolean;
  readonly perm?: string;
  readonly minSize?: string;
  readonly maxSize?: string;
  readonly since?: string;
  readonly before?: string;
  readonly hidden?: boolean;
  readonly shown?: boolean;
}

export function imageFindCommand(): Command {
  const command = new Command('find')
    .description('find files in the layers of an image, also those that later layers hide')
    .argument('<image>', 'a name or an id')
    .argument('[pattern]', 'of names, or of paths from the root')
    .addOption(new Option('--type <type>', 'f, d, l, c, b, p or s, as find(1)').choices(Object.keys(TYPES)))
    .option('--content <text>', 'files that hold the text')
    .option('--user <uid>', 'owned by that user, as a number')
    .option('--group <gid>', 'owned by that group, as a number')
    .option('--setuid', 'setuid or setgid')
    .option('--perm <mode>', 'any of these permission bits, in octal: 0022 is what others may write')
    .option('--min-size <size>', 'at least as large, as 10m')
    .option('--max-size <size>', 'at most as large')
    .option('--since <time>', 'changed since: an age as 24h, or a date')
    .option('--before <time>', 'changed before')
    .addOption(new Option('--hidden', 'only what does not show').conflicts('shown'))
    .option('--shown', 'only what shows')
    .option(ROOT_FLAG, ROOT_TEXT);
  return addListOptions(command, 'only paths', [])
    .addHelpText('after', DETAILS)
    .action((image: string, pattern: string | undefined, flags: FindFlags) =>
      attempt('image find', flags as { root?: string }, () => runFind(image, pattern, flags)),
    );
}

async function runFind(text: string, pattern: string | undefined, flags: FindFlags): Promise<void> {
  const { resolveImage } = await import('../../../image/catalog/image-index.js');
  const { ImageLayers } = await import('../../../image/contents/image-layers.js');
  const { findObjects } = await import('../../../image/contents/find-objects.js');
  const criteria = await criteriaOf(pattern, flags);
  const store = await openStore(flags.root === undefined ? {} : { root: flags.root });
  using layers = new ImageLayers(store, resolveImage(store, text));
  const rows = [...findObjects(layers, criteria)].map(rowOf);
  printShown(formatList(rows, flags, SHAPE));
  if (rows.length === 0) process.exitCode = 1;
}

async function criteriaOf(pattern: string | undefined, flags: FindFlags): Promise<Criteria> {
  const { parseTime } = await import('../../../container/record/until.js');
  const { parseSize } = await import('../../../mounts/request/size.js');
  const { searchMatcher } = await import('../../../image-build/context/pattern.js');
  if (flags.content === '') throw new UserError('invalid --content: it is empty');
  const { minSize, maxSize, since, before, content } = flags;
  return {
    path: pattern === undefined ? undefined : searchMatcher(pattern),
    type: flags.type === undefined ? undefined : TYPES[flags.type],
    content: content === undefined ? undefined : Buffer.from(content),
    uid: idOf('--user', flags.user),
    gid: idOf('--group', flags.group),
    anyMode: modeOf(flags),
    minBytes: minSize === undefined ? undefined : parseSize(minSize),
    maxBytes: maxSize === undefined ? undefined : parseSize(maxSize),
    sinceMs: since === undefined ? undefined : parseTime('--since', since),
    beforeMs: before === undefined ? undefined : parseTime('--before', before),
    isHidden: flags.hidden === true ? true : flags.shown === true ? false : undefined,
  };
}

function idOf(option: string, text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  if (/^\d{1,10}$/.test(text)) return Number(text);
  throw new UserError(`invalid ${option} '${text}'`, {
    hint: 'it is a number, since a layer knows no names',
  });
}

const SET_IDS = 0o6000;

function modeOf({ setuid, perm }: FindFlags): number | undefined {
  if (perm !== undefined && !/^[0-7]{1,4}$/.test(perm))
    throw new UserError(`invalid --perm '${perm}'`, { hint: 'it is octal, as 4000 or 0022' });
  if (perm === undefined) return setuid === true ? SET_IDS : undefined;
  return Number.parseInt(perm, 8) | (setuid === true ? SET_IDS : 0);
}

function rowOf(found: FoundObject): Row {
  const { layer, hiddenBy, mode, uid, gid, sizeBytes } = found;
  return {
    Layer: layer.number,
    LayerID: layer.hex,
    State: hiddenBy === undefined ? 'shown' : stateText(hiddenBy),
    HiddenBy: hiddenBy === undefined ? '' : String(hiddenBy.layer.number),
    Type: found.type,
    Mode: mode.toString(8).padStart(4, '0'),
    Owner: `${uid}:${gid}`,
    UID: uid,
    GID: gid,
    Size: humanSize(sizeBytes),
    SizeBytes: sizeBytes,
    ModifiedAt: new Date(found.mtimeMs).toISOString(),
    Path: `/${displayName(found.path)}`,
    CreatedBy: layer.createdBy,
  };
}

const HIDING: Readonly<Record<Hiding['kind'], string>> = {
  whiteout: 'deleted',
  opaque: 'opaque',
  replaced: 'replaced',
};

function stateText({ layer, kind }: Hiding): string {
  return `${HIDING[kind]} by ${layer.number}`;
}
