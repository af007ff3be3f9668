/**
 * Turns drawn steps into steps on names that are likely to exist, by following roughly what each step does.
 *
 * Random paths alone fail nine times in ten and test little but ENOENT. The model is a guess: a step that will be
 * refused is followed as if it succeeded, which costs nothing but a path that does not exist later.
 */

import type { DirSpec, Layers } from '../helpers/layers.js';
import { mergeLayers } from '../helpers/layers.js';
import type { Step } from './steps.js';

/** Where a step wants its path: an existing file or directory, either, a name in an existing directory, or anywhere. */
export type PathWish = 'file' | 'dir' | 'any' | 'new' | 'random';

export interface DrawnPath {
  readonly wish: PathWish;
  readonly pick: number;
  readonly name: string;
  readonly random: string;
}

/** A step whose `path` and `to` are still drawn. */
export type DrawnStep = Readonly<Record<string, unknown>> & { readonly step: Step['step'] };

type Kind = 'file' | 'dir';

class Model {
  readonly #known = new Map<string, Kind>([['', 'dir']]);
  readonly #slots = new Set<number>();

  constructor(layers: Layers) {
    this.#add('', mergeLayers(layers));
  }

  #add(path: string, node: DirSpec): void {
    for (const [name, child] of Object.entries(node.entries)) {
      const at = path === '' ? name : `${path}/${name}`;
      this.#known.set(at, child.type === 'dir' ? 'dir' : 'file');
      if (child.type === 'dir') this.#add(at, child);
    }
  }

  pick({ wish, pick, name, random }: DrawnPath): string {
    if (wish === 'random') return random;
    const wanted = wish === 'new' ? 'dir' : wish;
    const found = [...this.#known].filter(([path, kind]) => {
      if (wish === 'new') return kind === 'dir';
      return path !== '' && (wanted === 'any' || kind === wanted);
    });
    const chosen = found[pick % Math.max(1, found.length)]?.[0];
    if (chosen === undefined) return random;
    return wish !== 'new' ? chosen : chosen === '' ? name : `${chosen}/${name}`;
  }

  /** The slot if it is open, else one that is. */
  openSlot(slot: number): number | undefined {
    return this.#slots.has(slot) ? slot : [...this.#slots][0];
  }

  follow(step: Step): void {
    if (step.step === 'mkdir') this.#make(step.path, 'dir');
    else if (step.step === 'create' || step.step === 'symlink' || step.step === 'mkfifo')
      this.#make(step.path, 'file');
    else if (step.step === 'tmpfile' || step.step === 'link') this.#make(step.to, 'file');
    else if (step.step === 'unlink' || step.step === 'rmdir' || step.step === 'removeAll')
      this.#remove(step.path);
    else if (step.step === 'rename' && step.how !== 'exchange') this.#move(step.path, step.to);
    else if (step.step === 'open') this.#slots.add(step.slot);
    else if (step.step === 'slotClose') this.#slots.delete(step.slot);
  }

  #make(path: string, kind: Kind): void {
    if (!this.#known.has(path)) this.#known.set(path, kind);
  }

  #remove(path: string): void {
    const below = [...this.#known.keys()].filter((known) => known.startsWith(`${path}/`));
    for (const known of [path, ...below]) this.#known.delete(known);
  }

  #move(from: string, to: string): void {
    const moved = [...this.#known].filter(([path]) => path === from || path.startsWith(`${from}/`));
    for (const [path] of moved) this.#known.delete(path);
    for (const [path, kind] of moved) this.#known.set(to + path.slice(from.length), kind);
  }
}

/** The steps with paths, and with slots that are open where they are used. */
export function resolveSteps(layers: Layers, drawn: readonly DrawnStep[]): Step[] {
  const model = new Model(layers);
  return drawn.map((raw) => {
    const step = withSlot(model, withPaths(model, raw));
    model.follow(step);
    return step;
  });
}

function withPaths(model: Model, raw: DrawnStep): Step {
  const fields = Object.entries(raw).map(([key, value]) => {
    const isPath = key === 'path' || key === 'to';
    return [key, isPath ? model.pick(value as DrawnPath) : value] as const;
  });
  return Object.fromEntries(fields) as unknown as Step;
}

/** A step on a slot becomes an open as long as none is open. */
function withSlot(model: Model, step: Step): Step {
  if (!('slot' in step) || step.step === 'open') return step;
  const slot = model.openSlot(step.slot);
  if (slot !== undefined) return { ...step, slot };
  const path = model.pick({ wish: 'file', pick: step.slot, name: 'a', random: 'a' });
  return { step: 'open', slot: step.slot, path, access: 'rw' };
}
