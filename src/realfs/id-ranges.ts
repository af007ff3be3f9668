/** Owners as a mount shows them and as its storage has them: ranges of ids, as in user_namespaces(7). */

/** `container` up to `container + length - 1` in the mount are `host` up to `host + length - 1` in the storage. */
export interface IdRange {
  readonly container: number;
  readonly host: number;
  readonly length: number;
}

export const NOBODY_ID = 65534;

/** The id in the mount; nobody's for one that no range covers. Without ranges both are the same. */
export function shownId(id: number, ranges: readonly IdRange[] | undefined): number {
  if (ranges === undefined) return id;
  for (const { container, host, length } of ranges) {
    if (id >= host && id < host + length) return container + (id - host);
  }
  return NOBODY_ID;
}

/** The id in the storage; undefined for one that no range covers. */
export function storedId(id: number, ranges: readonly IdRange[] | undefined): number | undefined {
  if (ranges === undefined) return id;
  for (const { container, host, length } of ranges) {
    if (id >= container && id < container + length) return host + (id - container);
  }
  return undefined;
}
