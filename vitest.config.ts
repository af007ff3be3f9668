import { defineConfig } from 'vitest/config';
import { LongestFirst } from './test/helpers/longest-first.js';

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    exclude: ['dist/**', 'node_modules/**'],
    globalSetup: ['test/helpers/global-setup.ts'],
    // One process a file: a test file that is stuck can be killed, and mounts of one do not meet those of another.
    pool: 'forks',
    maxWorkers: 2,
    sequence: { sequencer: LongestFirst },
    // What hangs is told by it, not what is slow: machines of CI are often busy.
    testTimeout: 90_000,
    hookTimeout: 120_000,
  },
});
