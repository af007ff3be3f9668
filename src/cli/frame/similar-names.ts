/** Names that somebody may have meant by one that is not there. */

/** Fewer letters begin too many names. */
const MIN_BEGINNING = 3;

/**
 * Those nearest to the word, when they are near enough to be what was meant: at most two slips, and less than half of the word;
 * else those that begin with it.
 */
export function similarNames(word: string, names: readonly string[]): string[] {
  const most = Math.min(2, Math.floor((word.length - 1) / 2));
  const slips = names.map((name) => ({ name, count: slipsBetween(word, name) }));
  const least = Math.min(...slips.map(({ count }) => count));
  if (least > most) return word.length < MIN_BEGINNING ? [] : names.filter((name) => name.startsWith(word));
  return slips.filter(({ count }) => count === least).map(({ name }) => name);
}

/** `(Did you mean ...?)` as commander words it behind its own messages; empty when there is nothing to offer. */
export function didYouMean(word: string, names: readonly string[]): string {
  const similar = similarNames(word, names);
  return similar.length === 0 ? '' : `\n(Did you mean ${similar.join(', ')}?)`;
}

/** Letters too many, missing, wrong or swapped with their neighbour (the distance of Damerau and Levenshtein). */
function slipsBetween(a: string, b: string): number {
  let before: number[] = [];
  let last = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const wrong = a[i - 1] === b[j - 1] ? 0 : 1;
      let least = Math.min((last[j] ?? 0) + 1, (row[j - 1] ?? 0) + 1, (last[j - 1] ?? 0) + wrong);
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1])
        least = Math.min(least, (before[j - 2] ?? 0) + 1);
      row.push(least);
    }
    before = last;
    last = row;
  }
  return last[b.length] ?? 0;
}
