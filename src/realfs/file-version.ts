/** What tells whether somebody has written a file since it was looked at. */

interface Written {
  readonly sizeBytes: number;
  readonly mtimeSec: number;
  readonly mtimeNsec: number;
}

export function fileVersion({ sizeBytes, mtimeSec, mtimeNsec }: Written): string {
  return `${sizeBytes}-${mtimeSec}.${mtimeNsec}`;
}
