/** What the table of coverage is made of, and the tests that prove sentences of several items. */

/** A test that is no case of a suite. */
export interface TestTitle {
  /** From the root of the project. */
  readonly file: string;
  /** How its title begins, as the file has it. */
  readonly test: string;
}

export interface Sentence {
  readonly sentence: string;
  /** `suite: case`, or a test elsewhere. */
  readonly cases: readonly (string | TestTitle)[];
}

export interface Item {
  readonly item: string;
  /** What docs/SEMANTICS.md says of it, in its words; empty for what is promised to those who change plyfs alone. */
  readonly contract: readonly string[];
  readonly sentences: readonly Sentence[];
}

export function testOf(file: string, test: string): TestTitle {
  return { file, test };
}

/** After each suite: overlayfs and plyfs show the same tree of its upper, whichever of them wrote it. */
export const READ_BACK = testOf('test/conformance/run-suites.ts', 'shows the same tree under');

const DIFFERENTIAL = 'test/differential/differential.test.ts';
/** The random runs of plyfs and overlayfs, with uppers that become layers and that the two exchange. */
export const RANDOM_RUNS = testOf(DIFFERENTIAL, 'agrees over random runs');
/** Runs that once differed: regressions/ has one of each of many subjects. */
export const REGRESSIONS = testOf(DIFFERENTIAL, 'agree: %s');
