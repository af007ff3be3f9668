/**
 * Which mounts the kernel makes over the tree, and in which order; decided before the first of them is attached.
 *
 * The tree shows all of them by itself, with virtual mount points where there are none. A kernel mount hides the tree
 * below it, so what lies inside needs a mount point in its source. A directory of the host never gets one that it has
 * not: the tree then goes on showing that mount, and what lies inside finds the virtual mount point.
 */

import type { Name } from '../../../vfs/name.js';

export interface NamespaceEntry {
  /** Absolute, free of symlinks as the tree has it. */
  readonly place: Name;
  readonly isDirectory: boolean;
  /** The kernel can make it. */
  readonly canAttach: boolean;
  /** The tree is better where it can be: an ordinary file. */
  readonly isFollowed: boolean;
  /** Mount points can be made in it: what is in a tmpfs is nobody's. */
  readonly isScratch: boolean;
  /** Whether its source has a mount point of that kind at a path below it. */
  readonly has: (inside: Name, type: PointType) => boolean;
}

export type PointType = 'directory' | 'file';

/** `attach`: the kernel's mount; `graft`: what the tree shows there, over a kernel mount that hides it. */
export interface NamespaceStep<T extends NamespaceEntry> {
  readonly item: T;
  readonly how: 'attach' | 'graft';
  /** A missing mount point is to be made: what it lies in goes with the container. */
  readonly makesPoint: boolean;
}

/**
 * @param ours mounts that plyfs makes itself, where the user has none: `/dev`, `/proc`, `/sys`.
 * @returns what is to be done, shallow places first; a mount that is not in it is shown by the tree.
 */
export function planNamespace<T extends NamespaceEntry>(
  items: readonly T[],
  ours: readonly Name[],
): NamespaceStep<T>[] {
  const sorted = items.toSorted((a, b) => depth(a.place) - depth(b.place));
  const demoted = new Set<T>();
  for (;;) {
    const { steps, lacking } = tryPlan(sorted, { ours, demoted });
    if (lacking === undefined) return steps;
    demoted.add(lacking);
  }
}

interface Trial<T extends NamespaceEntry> {
  readonly steps: NamespaceStep<T>[];
  /** The mount that has no mount point for another. */
  readonly lacking: T | undefined;
}

function tryPlan<T extends NamespaceEntry>(
  sorted: readonly T[],
  { ours, demoted }: { readonly ours: readonly Name[]; readonly demoted: ReadonlySet<T> },
): Trial<T> {
  const steps: NamespaceStep<T>[] = [];
  const byPlace = new Map(sorted.map((item) => [item.place, item]));
  for (const item of sorted) {
    const holder = holderOf(item.place, (place) => byPlace.has(place) || ours.includes(place));
    const above = holder === undefined ? undefined : byPlace.get(holder);
    const isHidden =
      (holder !== undefined && above === undefined) ||
      steps.some((step) => step.item === above && step.how === 'attach');
    const isKernels = item.canAttach && !demoted.has(item) && (isHidden || !item.isFollowed);
    const makesPoint = isHidden && (above?.isScratch ?? holder === '/dev');
    if (isHidden && above !== undefined && !above.isScratch) {
      const inside = item.place.slice(above.place.length + 1);
      if (!above.has(inside, item.isDirectory ? 'directory' : 'file')) return { steps, lacking: above };
    }
    if (isKernels) steps.push({ item, how: 'attach', makesPoint });
    else if (isHidden) steps.push({ item, how: 'graft', makesPoint });
  }
  return { steps, lacking: undefined };
}

/** The nearest place above that is a mount. */
function holderOf(place: Name, isMount: (place: Name) => boolean): Name | undefined {
  for (let at = parentOf(place); at !== ''; at = parentOf(at)) if (isMount(at)) return at;
  return undefined;
}

function parentOf(place: Name): Name {
  return place.slice(0, place.lastIndexOf('/'));
}

function depth(place: Name): number {
  return place.split('/').length;
}
