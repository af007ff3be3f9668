/** Groups of cases of the suite `held-open`, by what sees the change. */

const CHANGES = [
  'a write',
  'a write into a large file',
  'an open that empties it, and a write',
  'a truncation through another descriptor, and a write',
  'a chmod, and a write',
  'a rename, and a write by the new name',
  'a rename over it, of a link made before, and a write',
  'a write after the name went',
  'a write by another of its names',
  'a write through a shared map',
  'a hole punched into it',
  'a range copied into it',
];

/** Each with the reason: those of maps that look at bytes which the change overwrites. */
export function ofMaps(reason: string): Record<string, string> {
  return Object.fromEntries(CHANGES.map((what) => [`held-open: maps made before show ${what}`, reason]));
}

/** The same of reads. */
export function ofReads(reason: string): Record<string, string> {
  return Object.fromEntries(
    [...CHANGES, 'an append'].map((what) => [
      `held-open: a descriptor open for reading sees ${what}`,
      reason,
    ]),
  );
}
