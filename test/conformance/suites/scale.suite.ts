/** Directories of 100,000 entries, and 200 layers. */

import { expect } from 'vitest';
import {
  type DirSpec,
  dir,
  file,
  type Layers,
  layers,
  type NodeSpec,
  symlink,
  whiteout,
} from '../../helpers/layers.js';
import { outcome } from '../../helpers/operator-client.js';
import type { Case, Suite } from '../suite.js';

const ENTRIES = 100_000;
const REMOVED = 10_000;

const nameOf = (index: number): string => `entry-${String(index).padStart(6, '0')}`;

function large(): DirSpec {
  const entries: Record<string, NodeSpec> = {};
  for (let index = 0; index < ENTRIES; index += 1) entries[nameOf(index)] = symlink('x');
  return dir({ large: dir(entries) });
}

const largeCases: Case[] = [
  {
    name: 'a directory of 100,000 entries lists each once, also when a part was removed and another added',
    isTooLargeToCompare: true,
    layers: layers(large(), dir({ large: dir({ [nameOf(0)]: file('above') }) })),
    async run(fs) {
      const count = async (): Promise<string> =>
        (await fs.run('sh', '-c', 'ls -f large > at; sort -u at | wc -l; wc -l < at')).stdout;
      expect(await count()).toBe(`${ENTRIES + 2}\n${ENTRIES + 2}\n`);
      expect((await fs.run('sh', '-c', 'cd large && rm -f entry-05*')).status).toBe(0);
      await fs.writeFile('large/new', 'n');
      const left = ENTRIES - REMOVED + 1 + 2;
      expect(await count()).toBe(`${left}\n${left}\n`);
      expect(await outcome(fs.lstat(`large/${nameOf(50_000)}`))).toBe('ENOENT');
      expect(await fs.readlink(`large/${nameOf(99_999)}`)).toBe('x');
      expect(await fs.readFile(`large/${nameOf(0)}`)).toBe('above');
    },
  },
];

const LAYERS = 200;

/** Each layer has a file of its own, one of all in `shared`, and every tenth removes what the one below made. */
function stacked(): Layers {
  return Array.from({ length: LAYERS }, (_, level) => {
    const below = level % 10 === 9 ? { [`own${level - 1}`]: whiteout() } : {};
    return dir({
      [`own${level}`]: file(String(level)),
      ...below,
      shared: dir({ top: file(String(level)), [`in${level}`]: file() }),
    });
  });
}

const manyCases: Case[] = [
  {
    name: '200 layers are mounted, listed and walked, and the topmost wins',
    layers: stacked(),
    async run(fs, t) {
      const own = LAYERS - LAYERS / 10;
      expect(await fs.names('')).toHaveLength(own + 1);
      expect(await fs.readFile('shared/top')).toBe('199');
      expect(await fs.names('shared')).toHaveLength(LAYERS + 1);
      expect(await outcome(fs.lstat('own8'))).toBe('ENOENT');
      expect(await fs.readFile('own0')).toBe('0');
      await fs.unlink('own0');
      await fs.writeFile('shared/in0', 'changed');
      await fs.rename('shared', 'moved');
      await t.remount();
      expect((await fs.run('sh', '-c', 'find . | wc -l')).stdout.trim()).toBe(
        String(1 + own - 1 + 1 + LAYERS + 1),
      );
      expect(await fs.readFile('moved/in0')).toBe('changed');
    },
  },
];

export const largeDirectory: Suite = { name: 'large-directory', cases: largeCases };
export const manyLayers: Suite = { name: 'many-layers', cases: manyCases };
