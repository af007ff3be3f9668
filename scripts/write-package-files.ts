/**
 * What the package has beside compiled code: its programs in few files, man pages and completions, made by the compiled command
 * itself, and the page of the library's API. `prepack` runs it; the folders are those that package.json names.
 */

import { spawnSync } from 'node:child_process';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { makeCurrentPrograms } from './current-programs.js';
import { repository } from './repository.js';
import { writeApiPage } from './write-api-page.js';

const FILES = { bash: 'plyfs', zsh: '_plyfs', fish: 'plyfs.fish' } as const;

function plyfs(...args: readonly string[]): string {
  const script = join(repository, 'dist/src/cli/main.js');
  const { status, stdout, stderr } = spawnSync(process.execPath, [script, ...args], { encoding: 'utf8' });
  if (status !== 0) throw new Error(`plyfs ${args.join(' ')}: ${stderr}`);
  return stdout;
}

await makeCurrentPrograms(join(repository, 'dist'));
const manPages = join(repository, 'dist/man');
rmSync(manPages, { recursive: true, force: true });
plyfs('man-pages', manPages);
const completions = join(repository, 'dist/completions');
for (const [shell, file] of Object.entries(FILES)) {
  const directory = join(completions, shell);
  mkdirSync(directory, { recursive: true });
  writeFileSync(join(directory, file), plyfs('completion', shell));
}
await writeApiPage(join(repository, 'dist/docs'));
