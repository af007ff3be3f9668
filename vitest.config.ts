import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { defineConfig } from 'vitest/config';
import { LongestFirst } from './test/helpers/longest-first.js';

const root = fileURLToPath(new URL('.', import.meta.url));
const shared = unitTests().filter(mayShare);

const common = {
  exclude: ['dist/**', 'node_modules/**', ...excludedByCaller()],
  pool: 'forks' as const,
  // What hangs is told by it, not what is slow: machines of CI are often busy.
  testTimeout: 90_000,
  hookTimeout: 120_000,
};

/**
 * Two processes at a time. Units share theirs, for a third of their time went into loading the same modules anew for each file;
 * test/helpers/unchanged-process.ts holds that each leaves the process as it was.
 */
export default defineConfig({
  test: {
    globalSetup: ['test/helpers/global-setup.ts'],
    maxWorkers: 2,
    sequence: { sequencer: LongestFirst },
    projects: [
      {
        test: {
          ...common,
          name: 'apart',
          include: ['test/**/*.test.ts'],
          exclude: [...common.exclude, ...shared],
          // One process a file: a test file that is stuck can be killed, and mounts of one do not meet those of another.
          isolate: true,
        },
      },
      {
        test: {
          ...common,
          name: 'shared',
          include: shared,
          setupFiles: ['test/helpers/unchanged-process.ts'],
          isolate: false,
        },
      },
    ],
  },
});

function unitTests(): string[] {
  const names = readdirSync(join(root, 'test/unit'), { recursive: true, encoding: 'utf8' });
  return names.filter((name) => name.endsWith('.test.ts')).map((name) => `test/unit/${name}`);
}

/** Not those that make system calls on the process, and those that replace a module for themselves. */
function mayShare(path: string): boolean {
  return !path.startsWith('test/unit/linux/') && !readFileSync(join(root, path), 'utf8').includes('vi.mock(');
}

/** vitest does not hand `--exclude` of its command line on to projects. */
function excludedByCaller(): string[] {
  const options = { exclude: { type: 'string', multiple: true } } as const;
  const { exclude = [] } = parseArgs({ options, strict: false }).values;
  return exclude.filter((glob) => typeof glob === 'string');
}
