/**
 * Which names stand for which manifest: pure changes of the list in index.json.
 *
 * INVARIANT: a manifest has either one descriptor for each of its names, or a single one without a name (dangling).
 */

import { type Descriptor, type Digest, REF_NAME } from './oci.js';

export function nameOf(descriptor: Descriptor): string | undefined {
  return descriptor.annotations?.[REF_NAME];
}

/** Gives the image names, taken from those that had them; without a name it becomes dangling. */
export function withImage(
  manifests: readonly Descriptor[],
  image: Descriptor,
  names: readonly string[],
): Descriptor[] {
  let list: readonly Descriptor[] = manifests;
  for (const name of names) list = withoutName(list, name);
  const isListed = list.some(({ digest }) => digest === image.digest);
  if (names.length === 0) return isListed ? [...list] : [...list, plain(image)];
  const added = names.map((name) => ({
    ...plain(image),
    annotations: { ...plain(image).annotations, [REF_NAME]: name },
  }));
  const others = list.filter((one) => one.digest !== image.digest || nameOf(one) !== undefined);
  return [...others, ...added];
}

/** The image keeps being listed, without a name, when it was its last. */
export function withoutName(manifests: readonly Descriptor[], name: string): Descriptor[] {
  const named = manifests.find((one) => nameOf(one) === name);
  const others = manifests.filter((one) => nameOf(one) !== name);
  if (named === undefined || others.some(({ digest }) => digest === named.digest)) return others;
  return [...others, plain(named)];
}

export function withoutImages(manifests: readonly Descriptor[], digests: readonly Digest[]): Descriptor[] {
  return manifests.filter(({ digest }) => !digests.includes(digest));
}

function plain({ annotations, ...rest }: Descriptor): Descriptor {
  const others = Object.entries(annotations ?? {}).filter(([key]) => key !== REF_NAME);
  return others.length === 0 ? rest : { ...rest, annotations: Object.fromEntries(others) };
}
