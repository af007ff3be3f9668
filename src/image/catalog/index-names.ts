/**
 * Which names stand for which manifest: pure changes of the list in index.json.
 *
 * INVARIANT: a manifest has one descriptor for each of its names; further ones, without a name, carry annotations, or
 * are the only one (dangling).
 */

import { type Descriptor, type Digest, PULLED_BY_DIGEST, REF_NAME } from '../oci/oci.js';
import { shortName } from '../oci/reference.js';

/** In the short form, also where the store was written with another. */
export function nameOf({ annotations }: Descriptor): string | undefined {
  const text = annotations?.[REF_NAME];
  return text === undefined ? undefined : shortName(text);
}

/** As nameOf(), of the digest that it was pulled by. */
export function pulledNameOf({ annotations }: Descriptor): string | undefined {
  const text = annotations?.[PULLED_BY_DIGEST];
  return text === undefined ? undefined : shortName(text);
}

/**
 * Images that bear one name, since a store may have it in two spellings: the one that has the short form, else the last.
 * @returns the digest for each name.
 */
export function holdersOf(manifests: readonly Descriptor[]): Map<string, Digest> {
  const holders = new Map<string, Digest>();
  for (const isShort of [false, true]) {
    for (const one of manifests) {
      const name = nameOf(one);
      if (name !== undefined && (one.annotations?.[REF_NAME] === name) === isShort) {
        holders.set(name, one.digest);
      }
    }
  }
  return holders;
}

/** Gives the image names, taken from those that had them; without a name it becomes dangling. */
export function withImage(
  manifests: readonly Descriptor[],
  image: Descriptor,
  names: readonly string[],
): Descriptor[] {
  let list: readonly Descriptor[] = manifests;
  for (const name of names) list = withoutName(list, name);
  if (names.length === 0) {
    const isListed = list.some((one) => one.digest === image.digest && covers(one, image));
    return isListed ? [...list] : [...list, plain(image)];
  }
  const added = names.map((name) => ({
    ...plain(image),
    annotations: { ...plain(image).annotations, [REF_NAME]: name },
  }));
  const others = list.filter(
    (one) => one.digest !== image.digest || nameOf(one) !== undefined || !covers(image, one),
  );
  return [...others, ...added];
}

/** The image keeps being listed, without a name, when it was its last. */
export function withoutName(manifests: readonly Descriptor[], name: string): Descriptor[] {
  const others = manifests.filter((one) => nameOf(one) !== name);
  const lost = manifests.filter(
    (one) => nameOf(one) === name && !others.some(({ digest }) => digest === one.digest),
  );
  return [...others, ...new Map(lost.map((one) => [one.digest, plain(one)])).values()];
}

/** No longer known by the digest it was pulled by; what says nothing else, and is not the only one, goes. */
export function withoutPulled(manifests: readonly Descriptor[], name: string): Descriptor[] {
  return manifests.flatMap((one) => {
    if (pulledNameOf(one) !== name) return [one];
    const { [PULLED_BY_DIGEST]: _, ...annotations } = one.annotations ?? {};
    const isNeeded =
      Object.keys(annotations).length > 0 ||
      manifests.filter(({ digest }) => digest === one.digest).length === 1;
    return isNeeded ? [{ ...one, annotations }] : [];
  });
}

export function withoutImages(manifests: readonly Descriptor[], digests: readonly Digest[]): Descriptor[] {
  return manifests.filter(({ digest }) => !digests.includes(digest));
}

/** Whether `one` says all that `other` does, names apart. */
function covers(one: Descriptor, other: Descriptor): boolean {
  return Object.entries(plain(other).annotations ?? {}).every(
    ([key, value]) => one.annotations?.[key] === value,
  );
}

function plain({ annotations, ...rest }: Descriptor): Descriptor {
  const others = Object.entries(annotations ?? {}).filter(([key]) => key !== REF_NAME);
  return others.length === 0 ? rest : { ...rest, annotations: Object.fromEntries(others) };
}
