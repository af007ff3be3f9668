/**
 * The order of the test files of a run: those that take longest begin first, so that at the end no worker waits for one that
 * began late. vitest goes by what a file took before, which a fresh clone does not know, or by its size.
 */

import { BaseSequencer, type TestSpecification } from 'vitest/node';

/** What takes half a minute and more on two CPUs, the longest first (2026-11-30). */
export const LONGEST: readonly string[] = [
  'cli/container/crash.long.test.ts',
  'conformance/plyfs-fuse-native.long.test.ts',
  'acceptance/refusing-disk.long.test.ts',
  'conformance/plyfs.test.ts',
  'cli/build-corpus.long.test.ts',
  'cli/documented-commands.long.test.ts',
  'remote/remote-container.long.test.ts',
  'cli/container/snapshots.long.test.ts',
  'differential/differential.test.ts',
  'cli/container/change-mounts.long.test.ts',
  'cli/package.long.test.ts',
  'acceptance/floods.long.test.ts',
  'cli/build.test.ts',
  'cli/container/run.test.ts',
  'conformance/overlayfs.long.test.ts',
  'cli/container/attach.test.ts',
  'acceptance/many-names.long.test.ts',
  'acceptance/awake.long.test.ts',
  'fuzz/planted.long.test.ts',
  'cli/raw-errors.long.test.ts',
  'conformance/plyfs-passthrough.long.test.ts',
  'conformance/plain.test.ts',
];

export class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    return longestFirst(await super.sort(files));
  }
}

/** The others stay in their order. */
export function longestFirst<File extends { readonly moduleId: string }>(files: readonly File[]): File[] {
  return files.toSorted((a, b) => rank(a) - rank(b));
}

function rank({ moduleId }: { readonly moduleId: string }): number {
  const at = LONGEST.findIndex((name) => moduleId.endsWith(`/test/${name}`));
  return at < 0 ? LONGEST.length : at;
}
