/** What a differential run is made of: layers and steps over few names, so that steps meet each other. */

import fc from 'fast-check';
import {
  type DirSpec,
  dir,
  fifo,
  file,
  type Layers,
  mergeLayers,
  type NodeSpec,
  sparse,
  symlink,
  whiteout,
} from '../helpers/layers.js';
import type { Step, StepName } from './steps.js';

export interface Run {
  readonly layers: Layers;
  readonly steps: readonly Step[];
}

const NAMES = ['a', 'b', 'c', 'd'] as const;
const name = fc.constantFrom(...NAMES);
const path = fc.oneof(
  { weight: 3, arbitrary: name },
  { weight: 4, arbitrary: fc.tuple(name, name).map((parts) => parts.join('/')) },
  { weight: 2, arbitrary: fc.tuple(name, name, name).map((parts) => parts.join('/')) },
);
const directory = fc.oneof({ weight: 1, arbitrary: fc.constant('') }, { weight: 4, arbitrary: path });
const linkTarget = fc.constantFrom('a', 'b', '../a', 'c/d', '../b/c', '/none', '.', '..');
const fileMode = fc.constantFrom(0o644, 0o600, 0o666, 0o400, 0o4755, 0o2775, 0o000);
const dirMode = fc.constantFrom(0o755, 0o700, 0o777, 0o1777, 0o2775, 0o555);
const owner = fc.constantFrom(0, 1001);
const data = fc.constantFrom('x', 'hello', 'y'.repeat(5000));
const size = fc.constantFrom(0, 3, 4096, 9000);
const xattrName = fc.constantFrom('user.one', 'user.two', 'trusted.three');
const slot = fc.constantFrom(0, 1);

const attributes = fc.record({
  uid: owner,
  gid: owner,
  mtimeNs: fc.constantFrom(1_000_000_000_000_000_001n, 1_200_000_000_123_456_789n),
});
const xattrs = fc.constantFrom(
  undefined,
  undefined,
  { 'user.one': 'lower' },
  { 'user.two': '', 'trusted.three': '3' },
);

function withXattrs(node: NodeSpec, values: Record<string, string> | undefined): NodeSpec {
  return values === undefined ? node : { ...node, xattrs: values };
}

const leaf: fc.Arbitrary<NodeSpec> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc
      .tuple(fc.constantFrom('', 'low', 'z'.repeat(6000)), fileMode, attributes, xattrs)
      .map(([content, mode, rest, values]) => withXattrs(file(content, { ...rest, mode }), values)),
  },
  { weight: 1, arbitrary: fc.constant(sparse(20_000, [[9000, 'middle']])) },
  { weight: 2, arbitrary: fc.tuple(linkTarget, attributes).map(([target, rest]) => symlink(target, rest)) },
  { weight: 1, arbitrary: attributes.map((rest) => fifo(rest)) },
  { weight: 2, arbitrary: fc.constant(whiteout()) },
);

function tree(depth: number): fc.Arbitrary<NodeSpec> {
  if (depth === 0) return leaf;
  return fc.oneof({ weight: 2, arbitrary: leaf }, { weight: 3, arbitrary: directoryOf(depth) });
}

function directoryOf(depth: number): fc.Arbitrary<DirSpec> {
  const opaque = fc.oneof(
    { weight: 5, arbitrary: fc.constant(false) },
    { weight: 1, arbitrary: fc.constant(true) },
  );
  return fc
    .tuple(
      fc.dictionary(name, tree(depth - 1), { maxKeys: 4, noNullPrototype: true }),
      dirMode,
      attributes,
      opaque,
    )
    .map(([entries, mode, rest, isOpaque]) => dir(entries, { ...rest, mode, opaque: isOpaque }));
}

const layer = fc
  .dictionary(name, tree(3), { maxKeys: 4, noNullPrototype: true })
  .map((entries) => dir(entries, { mode: 0o777 }));

type Fields<K extends StepName> = Omit<Extract<Step, { step: K }>, 'step' | 'user'>;

/** By root mostly, sometimes by another user; slots are root's. */
function step<K extends StepName>(
  kind: K,
  fields: { [F in keyof Fields<K>]: fc.Arbitrary<Fields<K>[F]> },
): fc.Arbitrary<Step> {
  const user = fc.oneof(
    { weight: 6, arbitrary: fc.constant(false) },
    { weight: 1, arbitrary: fc.constant(true) },
  );
  return fc.tuple(fc.record(fields), user).map(([values, byUser]) => {
    const made = { step: kind, ...values } as unknown as Step;
    return byUser && !('slot' in made) ? { ...made, user: true } : made;
  });
}

const anyStep: fc.Arbitrary<Step> = fc.oneof(
  { weight: 4, arbitrary: step('create', { path, mode: fileMode, exclusive: fc.boolean() }) },
  { weight: 4, arbitrary: step('write', { path, offset: size, data }) },
  { weight: 2, arbitrary: step('append', { path, data }) },
  { weight: 3, arbitrary: step('read', { path }) },
  { weight: 2, arbitrary: step('truncate', { path, size }) },
  { weight: 1, arbitrary: step('openTruncate', { path }) },
  { weight: 1, arbitrary: step('touch', { path }) },
  { weight: 5, arbitrary: step('mkdir', { path, mode: dirMode }) },
  { weight: 4, arbitrary: step('rmdir', { path }) },
  { weight: 5, arbitrary: step('unlink', { path }) },
  { weight: 2, arbitrary: step('removeAll', { path }) },
  {
    weight: 8,
    arbitrary: step('rename', {
      path,
      to: path,
      how: fc.constantFrom('plain', 'plain', 'noreplace', 'exchange'),
    }),
  },
  { weight: 3, arbitrary: step('link', { path, to: path }) },
  { weight: 2, arbitrary: step('symlink', { path, target: linkTarget }) },
  { weight: 1, arbitrary: step('readlink', { path }) },
  { weight: 1, arbitrary: step('mkfifo', { path, mode: fileMode }) },
  { weight: 3, arbitrary: step('chmod', { path, mode: fc.oneof(fileMode, dirMode) }) },
  { weight: 2, arbitrary: step('chown', { path, uid: fc.constantFrom(0, 1001, -1), gid: owner }) },
  { weight: 2, arbitrary: step('utimens', { path, mtimeSec: fc.constantFrom(-5, 7, 1_100_000_000) }) },
  {
    weight: 2,
    arbitrary: step('setxattr', { path, name: xattrName, value: fc.constantFrom('', 'v', 'w'.repeat(300)) }),
  },
  { weight: 1, arbitrary: step('removexattr', { path, name: xattrName }) },
  { weight: 1, arbitrary: step('listxattr', { path }) },
  { weight: 3, arbitrary: step('stat', { path }) },
  { weight: 4, arbitrary: step('readdir', { path: directory }) },
  { weight: 1, arbitrary: step('tmpfile', { path: directory, to: path }) },
  { weight: 1, arbitrary: step('punch', { path, offset: size }) },
  { weight: 1, arbitrary: step('copyRange', { path, to: path }) },
  { weight: 3, arbitrary: step('open', { slot, path, access: fc.constantFrom('r', 'rw') }) },
  { weight: 2, arbitrary: step('slotRead', { slot }) },
  { weight: 2, arbitrary: step('slotWrite', { slot, data }) },
  { weight: 2, arbitrary: step('slotStat', { slot }) },
  { weight: 1, arbitrary: step('slotChmod', { slot, mode: fileMode }) },
  { weight: 1, arbitrary: step('slotTruncate', { slot, size }) },
  { weight: 1, arbitrary: step('slotClose', { slot }) },
);

/**
 * Whiteouts only where a directory below has them hide something: overlayfs never makes others, and lists those in a
 * directory that merges with none (the suite `lookup` has a case for that).
 */
function withSoundWhiteouts(stack: Layers): Layers {
  const sound: DirSpec[] = [];
  for (const each of stack) sound.push(soundDir(each, mergeLayers(sound)));
  return sound;
}

function soundDir(above: DirSpec, below: DirSpec | undefined): DirSpec {
  const under = above.opaque === undefined ? below : undefined;
  const entries = Object.entries(above.entries).flatMap(([key, node]): [string, NodeSpec][] => {
    if (node.type === 'whiteout') return under === undefined ? [] : [[key, node]];
    if (node.type !== 'dir') return [[key, node]];
    const next = under?.entries[key];
    return [[key, soundDir(node, next?.type === 'dir' ? next : undefined)]];
  });
  return { ...above, entries: Object.fromEntries(entries) };
}

/** Two to four layers and up to forty steps. */
export const anyRun: fc.Arbitrary<Run> = fc.record({
  layers: fc.array(layer, { minLength: 2, maxLength: 4 }).map(withSoundWhiteouts),
  steps: fc.array(anyStep, { minLength: 1, maxLength: 40, size: 'max' }),
});
