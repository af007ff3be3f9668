/** The library makes the same mounts. */

import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, realpathSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { removeTree } from '../helpers/remove-tree.js';

const dist = process.env.PLYFS_DIST ?? fileURLToPath(new URL('../../dist', import.meta.url));
let root: string;

beforeEach(() => {
  root = realpathSync(mkdtempSync(join(tmpdir(), 'plyfs-library-')));
  for (const name of ['l1', 'm']) mkdirSync(join(root, name));
  writeFileSync(join(root, 'l1/low'), 'low');
});

afterEach(() => removeTree(root));

/** Runs a program that uses the library, and gives what it prints. */
function program(body: string): string {
  const source = `import { mount } from ${JSON.stringify(pathToFileURL(join(dist, 'src/index.js')).href)};\n${body}`;
  return execFileSync(process.execPath, ['--input-type=module', '-e', source], {
    cwd: root,
    env: { ...process.env, PLYFS_RUN_DIR: join(root, 'run') },
    encoding: 'utf8',
    timeout: 60_000,
  });
}

describe('mount()', () => {
  it('mounts, and unmounts when disposed of', () => {
    const output = program(`
      import { execFileSync } from 'node:child_process';
      const tree = await mount({ mountpoint: 'm', layers: ['l1'] });
      process.stdout.write(tree.mountpoint + execFileSync('cat', ['m/low']));
      await tree[Symbol.asyncDispose]();
      await tree[Symbol.asyncDispose]();
    `);
    expect(output).toBe(`${root}/mlow`);
    expect(readFileSync('/proc/self/mountinfo', 'utf8')).not.toContain(root);
  });

  it('rejects with a message and a hint', () => {
    const output = program(`
      const error = await mount({ mountpoint: 'nope', layers: ['l1'] }).catch((error) => error);
      process.stdout.write(error.name + '|' + error.message + '|' + error.hint);
    `);
    expect(output).toBe(
      `UserError|cannot mount on '${root}/nope': no such directory|mkdir -p '${root}/nope'`,
    );
  });
});
