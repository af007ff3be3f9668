/** Names of a listing that may be whiteouts: each is looked at, and one that cannot be looked at is listed. */

import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test, vi } from 'vitest';
import { EIO } from '../../../src/errno/errno.js';
import { fsError } from '../../../src/errno/fs-error.js';
import { CAP_MKNOD, hasCapability } from '../../../src/linux/process/process.js';
import { openView } from '../../../src/union/open-view.js';
import { LayerStack } from '../../../src/union/stack/layer-stack.js';
import { Entry } from '../../../src/vfs/attr.js';
import type { DirentSink } from '../../../src/vfs/file-system.js';
import { nameFromText } from '../../../src/vfs/name.js';
import { ROOT_NODE } from '../../../src/vfs/node-id.js';

/** A layer with a file, a device, and two whiteouts; the layer below has files of all these names. */
function layersOf(root: string): string[] {
  const script = `mkdir low top; touch low/file low/device low/gone low/unseen
    touch top/file; mknod top/device c 1 3; mknod top/gone c 0 0; mknod top/unseen c 0 0`;
  const made = spawnSync('sh', ['-ec', script], { cwd: root, encoding: 'utf8' });
  expect(made.stderr).toBe('');
  return [join(root, 'low'), join(root, 'top')];
}

function tree() {
  const root = mkdtempSync(join(tmpdir(), 'plyfs-listed-'));
  onTestFinished(() => rmSync(root, { recursive: true }));
  const union = openView({ layers: layersOf(root).map(nameFromText) });
  onTestFinished(() => union.detach());
  return union;
}

function list(union: ReturnType<typeof tree>): string[] {
  const names: string[] = [];
  const sink: DirentSink = {
    plus: false,
    fits: () => true,
    add: (name) => void names.push(name),
    addPlus: (name) => void names.push(name),
  };
  union.readdir(ROOT_NODE, 0, sink);
  return names.filter((name) => name !== '.' && name !== '..').sort();
}

const isAllowed = hasCapability(CAP_MKNOD);

test.runIf(isAllowed)('whiteouts are not listed, other devices are', () => {
  expect(list(tree())).toEqual(['device', 'file']);
});

test.runIf(isAllowed)('a name that cannot be looked at is listed, and its lookup gets the error', () => {
  const union = tree();
  const original = LayerStack.prototype.statName;
  const spy = vi.spyOn(LayerStack.prototype, 'statName').mockImplementation(function (
    this: LayerStack,
    dir,
    name,
    out,
  ) {
    if (name === 'unseen') throw fsError(EIO, 'statx', name);
    return original.call(this, dir, name, out);
  });
  onTestFinished(() => spy.mockRestore());
  expect(list(union)).toEqual(['device', 'file', 'unseen']);
  expect(() => union.lookup(ROOT_NODE, 'unseen', new Entry())).toThrow(
    expect.objectContaining({ code: 'EIO' }),
  );
});

test.runIf(isAllowed)('an error of another kind is not taken for a name', () => {
  const union = tree();
  const spy = vi.spyOn(LayerStack.prototype, 'statName').mockImplementation(() => {
    throw new TypeError('a mistake of ours');
  });
  onTestFinished(() => spy.mockRestore());
  expect(() => list(union)).toThrow('a mistake of ours');
});
