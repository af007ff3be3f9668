/** Options that several functions of the library take. */

/** For what succeeds though something was left out. */
export interface WarningOptions {
  /** Takes a line for what was left out, or does nothing here. */
  readonly onWarning?: ((line: string) => void) | undefined;
}

/** What a transfer has done so far. */
export interface TransferProgress {
  readonly bytes: number;
  /** How many there will be in all, as far as that is known. */
  readonly totalBytes: number | undefined;
}

/** Which of what nobody uses is removed; all that is given must hold. */
export interface PruneOptions {
  /** Also what has a name. */
  readonly all?: boolean | undefined;
  /** What has these labels; '' as a value stands for any. */
  readonly labels?: Readonly<Record<string, string>> | undefined;
  /** What was made before, in milliseconds since 1970. */
  readonly beforeMs?: number | undefined;
}

export const PRUNE_KINDS = { all: 'boolean', labels: 'texts by name', beforeMs: 'number' } as const;

export function hasLabels(
  wanted: Readonly<Record<string, string>> = {},
): (labels: Readonly<Record<string, string>>) => boolean {
  return (labels) =>
    Object.entries(wanted).every(
      ([key, value]) => Object.hasOwn(labels, key) && (value === '' || labels[key] === value),
    );
}

/** Counts for `onProgress`, in the form that transfers take. */
export function progressCounters(onProgress: ((progress: TransferProgress) => void) | undefined) {
  let bytes = 0;
  let totalBytes: number | undefined;
  return {
    onBytes: (count: number): void => {
      bytes += count;
      onProgress?.({ bytes, totalBytes });
    },
    onTotal: (total: number): void => {
      totalBytes = total;
      onProgress?.({ bytes, totalBytes });
    },
  };
}
