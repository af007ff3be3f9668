/** Random layers over few names: files, links hard and symbolic, special files, whiteouts, opaque directories, xattrs. */

import fc from 'fast-check';
import { posixAcl } from '../conformance/acl.js';
import {
  type Attributes,
  blockDevice,
  charDevice,
  type DirSpec,
  dir,
  fifo,
  file,
  hardlink,
  type Layers,
  type NodeSpec,
  socket,
  sparse,
  symlink,
  whiteout,
} from '../helpers/layers.js';
import { dirMode, fileMode, linkTarget, name, owner } from './kind.js';
import { soundLayers } from './sound.js';

const attributes = fc.record({
  uid: owner,
  gid: owner,
  mtimeNs: fc.constantFrom(1_000_000_000_000_000_001n, 1_200_000_000_123_456_789n),
});

type Values = NonNullable<Attributes['xattrs']>;

const fileXattrs = fc.constantFrom<Values | undefined>(
  undefined,
  undefined,
  undefined,
  { 'user.one': 'lower' },
  { 'user.two': '', 'trusted.three': '3' },
  {
    'security.four': '4',
    'system.posix_acl_access': posixAcl({ owner: 6, users: { 1001: 7 }, group: 4, mask: 6, other: 0 }),
  },
);
const dirXattrs = fc.constantFrom<Values | undefined>(
  undefined,
  undefined,
  undefined,
  { 'user.one': 'of a directory' },
  { 'system.posix_acl_default': posixAcl({ owner: 7, users: { 1001: 6 }, group: 5, mask: 7, other: 1 }) },
);

function withXattrs<T extends NodeSpec>(node: T, xattrs: Values | undefined): T {
  return xattrs === undefined ? node : { ...node, xattrs };
}

const leaf: fc.Arbitrary<NodeSpec> = fc.oneof(
  {
    weight: 8,
    arbitrary: fc
      .tuple(fc.constantFrom('', 'low', 'z'.repeat(6000)), fileMode, attributes, fileXattrs)
      .map(([content, mode, rest, xattrs]) => withXattrs(file(content, { ...rest, mode }), xattrs)),
  },
  {
    weight: 1,
    arbitrary: fc.constantFrom(sparse(20_000, [[9000, 'middle']]), sparse(6 * 2 ** 30, [[2 ** 32, 'far']])),
  },
  { weight: 2, arbitrary: fc.tuple(linkTarget, attributes).map(([target, rest]) => symlink(target, rest)) },
  {
    weight: 1,
    arbitrary: fc
      .tuple(
        fc.constantFrom(
          fifo,
          socket,
          (rest: Attributes) => charDevice(1, 3, rest),
          (rest: Attributes) => blockDevice(7, 1, rest),
        ),
        attributes,
      )
      .map(([make, rest]) => make(rest)),
  },
  { weight: 3, arbitrary: fc.constant(whiteout()) },
);

function tree(depth: number, opaque: 'trusted' | 'user'): fc.Arbitrary<NodeSpec> {
  if (depth === 0) return leaf;
  return fc.oneof({ weight: 2, arbitrary: leaf }, { weight: 3, arbitrary: directoryOf(depth, opaque) });
}

function directoryOf(depth: number, opaque: 'trusted' | 'user'): fc.Arbitrary<DirSpec> {
  return fc
    .record({
      entries: fc.dictionary(name, tree(depth - 1, opaque), { maxKeys: 4, noNullPrototype: true }),
      mode: dirMode,
      rest: attributes,
      xattrs: dirXattrs,
      hides: fc.nat(5),
    })
    .map(({ entries, mode, rest, xattrs, hides }) =>
      withXattrs(dir(entries, { ...rest, mode, ...(hides === 0 ? { opaque } : {}) }), xattrs),
    );
}

interface LayerForm {
  /** Namespace of the mark of opaque directories. */
  readonly opaque: 'trusted' | 'user';
  /** What may have several names. */
  readonly links: readonly NodeSpec['type'][];
}

/** Where links go, by numbers that are taken modulo what there is. */
const links = fc.array(fc.record({ file: fc.nat(1000), dir: fc.nat(1000), name }), { maxLength: 3 });

function layer({ opaque, links: linked }: LayerForm): fc.Arbitrary<DirSpec> {
  return fc
    .tuple(fc.dictionary(name, tree(3, opaque), { maxKeys: 4, noNullPrototype: true }), links)
    .map(([entries, wanted]) =>
      wanted.reduce((root, link) => withLink(root, link, linked), dir(entries, { mode: 0o777 })),
    );
}

/** One more name for a file of the layer, in a directory of it, where that has none of the name. */
function withLink(
  root: DirSpec,
  link: { readonly file: number; readonly dir: number; readonly name: string },
  linked: LayerForm['links'],
): DirSpec {
  const paths = [...walk(root, '')];
  const files = paths.filter(([, node]) => linked.includes(node.type));
  const dirs = paths.filter(([, node]) => node.type === 'dir');
  const to = files[link.file % Math.max(1, files.length)]?.[0];
  const into = dirs[link.dir % Math.max(1, dirs.length)];
  if (to === undefined || into === undefined || link.name in (into[1] as DirSpec).entries) return root;
  return withEntry(root, into[0] === '' ? [] : into[0].split('/'), link.name, hardlink(to));
}

function* walk(node: NodeSpec, path: string): Generator<[path: string, node: NodeSpec]> {
  yield [path, node];
  if (node.type !== 'dir') return;
  for (const [key, child] of Object.entries(node.entries))
    yield* walk(child, path === '' ? key : `${path}/${key}`);
}

function withEntry(node: DirSpec, into: readonly string[], key: string, entry: NodeSpec): DirSpec {
  const [next, ...rest] = into;
  if (next === undefined) return { ...node, entries: { ...node.entries, [key]: entry } };
  const child = withEntry(node.entries[next] as DirSpec, rest, key, entry);
  return { ...node, entries: { ...node.entries, [next]: child } };
}

export function anyLayers([min, max]: readonly [number, number], form: LayerForm): fc.Arbitrary<Layers> {
  return fc.array(layer(form), { minLength: min, maxLength: max, size: 'max' }).map(soundLayers);
}
