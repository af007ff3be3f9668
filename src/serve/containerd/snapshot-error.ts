/** What containerd is told when a call fails: its own kinds of errors, which it knows by their gRPC codes. */

/** containerd's errdefs, and the codes of google.rpc.Code that stand for them. */
export const STATUS_CODES = {
  'invalid argument': 3,
  'not found': 5,
  'already exists': 6,
  'failed precondition': 9,
} as const;

export class SnapshotError extends Error {
  readonly kind: keyof typeof STATUS_CODES;

  constructor(kind: keyof typeof STATUS_CODES, message: string) {
    // As Go's wrapped errors read: clients look for these words where a code got lost.
    super(`${message}: ${kind}`);
    this.name = 'SnapshotError';
    this.kind = kind;
  }
}
