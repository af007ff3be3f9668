/**
 * The sources as JavaScript, for worker threads, which vitest does not transform. Types are stripped, not checked;
 * the result lies inside the checkout, so that koffi is found.
 */

import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import ts from 'typescript';

const checkout = fileURLToPath(new URL('../../../', import.meta.url));
let count = 0;
const folders = ['errno', 'vfs', 'linux'];

export interface Compiled {
  /** URL of `linux/`, with the slash. */
  readonly linuxUrl: string;
  remove(): void;
}

export function compileLinux(): Compiled {
  count += 1;
  const out = join(checkout, 'dist', `unit-linux-${process.pid}-${count}`);
  for (const folder of folders) {
    const from = join(checkout, 'src', folder);
    for (const file of readdirSync(from, { encoding: 'utf8', recursive: true }).filter((each) =>
      each.endsWith('.ts'),
    )) {
      const target = join(out, folder, file.replace(/\.ts$/, '.js'));
      mkdirSync(dirname(target), { recursive: true });
      const { outputText } = ts.transpileModule(readFileSync(join(from, file), 'utf8'), {
        compilerOptions: {
          module: ts.ModuleKind.ESNext,
          target: ts.ScriptTarget.ES2023,
          verbatimModuleSyntax: true,
        },
      });
      writeFileSync(target, outputText);
    }
  }
  return {
    linuxUrl: `${pathToFileURL(join(out, 'linux'))}/`,
    remove: () => rmSync(out, { recursive: true, force: true }),
  };
}
