/** What a differential run is made of: layers and steps over few names, so that steps meet each other. */

import fc from 'fast-check';
import {
  type DirSpec,
  dir,
  fifo,
  file,
  type Layers,
  type NodeSpec,
  sparse,
  symlink,
  whiteout,
} from '../helpers/layers.js';
import { type DrawnPath, type DrawnStep, type PathWish, resolveSteps } from './resolve.js';
import { withSoundWhiteouts } from './sound.js';
import type { Step, StepName } from './steps.js';

export interface Run {
  readonly layers: Layers;
  readonly steps: readonly Step[];
}

const NAMES = ['a', 'b', 'c', 'd'] as const;
const name = fc.constantFrom(...NAMES);
const randomPath = fc.oneof(
  { weight: 3, arbitrary: name },
  { weight: 4, arbitrary: fc.tuple(name, name).map((parts) => parts.join('/')) },
  { weight: 2, arbitrary: fc.tuple(name, name, name).map((parts) => parts.join('/')) },
);

/** Mostly what is wished for, sometimes something else that exists, sometimes anything. */
function path(...wishes: [PathWish, ...PathWish[]]): fc.Arbitrary<DrawnPath> {
  const wish = fc.oneof(
    { weight: 8, arbitrary: fc.constantFrom<PathWish>(...wishes) },
    { weight: 2, arbitrary: fc.constantFrom<PathWish>('any', 'new', 'random') },
  );
  return fc.record({ wish, pick: fc.nat(200), name, random: randomPath });
}

/** None leads out of the directory above the run's, and none to a place that a step could make on the host. */
const linkTarget = fc.constantFrom('a', 'b', '../a', 'c/d', '../b/c', '/none/none', '.');
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

type Drawn<K extends StepName> = {
  [F in keyof Omit<Extract<Step, { step: K }>, 'step' | 'user'>]: fc.Arbitrary<
    F extends 'path' | 'to' ? DrawnPath : Extract<Step, { step: K }>[F]
  >;
};

/** By root mostly, sometimes by another user; slots are root's. */
function step<K extends StepName>(kind: K, fields: Drawn<K>): fc.Arbitrary<DrawnStep> {
  const user = fc.oneof(
    { weight: 8, arbitrary: fc.constant(false) },
    { weight: 1, arbitrary: fc.constant(true) },
  );
  return fc
    .tuple(fc.record(fields as Record<string, fc.Arbitrary<unknown>>), user)
    .map(([values, byUser]) => {
      const made = { step: kind, ...values };
      return byUser && !('slot' in made) ? { ...made, user: true } : made;
    });
}

const anyStep: fc.Arbitrary<DrawnStep> = fc.oneof(
  {
    weight: 4,
    arbitrary: step('create', { path: path('new', 'new', 'file'), mode: fileMode, exclusive: fc.boolean() }),
  },
  { weight: 4, arbitrary: step('write', { path: path('file'), offset: size, data }) },
  { weight: 2, arbitrary: step('append', { path: path('file'), data }) },
  { weight: 3, arbitrary: step('read', { path: path('file') }) },
  { weight: 2, arbitrary: step('truncate', { path: path('file'), size }) },
  { weight: 1, arbitrary: step('openTruncate', { path: path('file') }) },
  { weight: 1, arbitrary: step('touch', { path: path('file') }) },
  { weight: 5, arbitrary: step('mkdir', { path: path('new'), mode: dirMode }) },
  { weight: 4, arbitrary: step('rmdir', { path: path('dir') }) },
  { weight: 5, arbitrary: step('unlink', { path: path('file') }) },
  { weight: 2, arbitrary: step('removeAll', { path: path('any') }) },
  {
    weight: 8,
    arbitrary: step('rename', {
      path: path('any'),
      to: path('new', 'any'),
      how: fc.constantFrom('plain', 'plain', 'noreplace', 'exchange'),
    }),
  },
  { weight: 3, arbitrary: step('link', { path: path('file'), to: path('new') }) },
  { weight: 2, arbitrary: step('symlink', { path: path('new'), target: linkTarget }) },
  { weight: 1, arbitrary: step('readlink', { path: path('file') }) },
  { weight: 1, arbitrary: step('mkfifo', { path: path('new'), mode: fileMode }) },
  { weight: 3, arbitrary: step('chmod', { path: path('any'), mode: fc.oneof(fileMode, dirMode) }) },
  {
    weight: 2,
    arbitrary: step('chown', { path: path('any'), uid: fc.constantFrom(0, 1001, -1), gid: owner }),
  },
  {
    weight: 2,
    arbitrary: step('utimens', { path: path('any'), mtimeSec: fc.constantFrom(-5, 7, 1_100_000_000) }),
  },
  {
    weight: 2,
    arbitrary: step('setxattr', {
      path: path('any'),
      name: xattrName,
      value: fc.constantFrom('', 'v', 'w'.repeat(300)),
    }),
  },
  { weight: 1, arbitrary: step('removexattr', { path: path('any'), name: xattrName }) },
  { weight: 1, arbitrary: step('listxattr', { path: path('any') }) },
  { weight: 3, arbitrary: step('stat', { path: path('any') }) },
  { weight: 4, arbitrary: step('readdir', { path: path('dir') }) },
  { weight: 1, arbitrary: step('tmpfile', { path: path('dir'), to: path('new') }) },
  { weight: 1, arbitrary: step('punch', { path: path('file'), offset: size }) },
  { weight: 1, arbitrary: step('copyRange', { path: path('file'), to: path('file') }) },
  { weight: 3, arbitrary: step('open', { slot, path: path('file'), access: fc.constantFrom('r', 'rw') }) },
  { weight: 2, arbitrary: step('slotRead', { slot }) },
  { weight: 2, arbitrary: step('slotWrite', { slot, data }) },
  { weight: 2, arbitrary: step('slotStat', { slot }) },
  { weight: 1, arbitrary: step('slotChmod', { slot, mode: fileMode }) },
  { weight: 1, arbitrary: step('slotTruncate', { slot, size }) },
  { weight: 1, arbitrary: step('slotClose', { slot }) },
);

/** Two to four layers and up to forty steps. */
export const anyRun: fc.Arbitrary<Run> = fc
  .record({
    layers: fc.array(layer, { minLength: 2, maxLength: 4 }).map(withSoundWhiteouts),
    drawn: fc.array(anyStep, { minLength: 10, maxLength: 40, size: 'max' }),
  })
  .map(({ layers, drawn }) => ({ layers, steps: resolveSteps(layers, drawn) }));
