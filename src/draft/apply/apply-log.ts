/**
 * The log of one apply, by which it is taken back: whole after a kill, or when somebody asks for it. Each step is on disk before it
 * is done; taken back are the steps from the last to the first, each of which may be done, half done, not begun, or taken back
 * already.
 *
 * drafts/.applied/ID/ apply.json, log (a step a line), lock (held by who applies), stage/ (what was taken from the host), and
 * of the draft areas/ as they were, or in forgotten/ what has left it.
 */

import { closeSync, existsSync, fdatasyncSync, openSync, writeSync } from 'node:fs';
import { readText } from '../../store/atomic-file.js';
import { crashPoint } from '../../store/crash-point.js';
import type { Name } from '../../vfs/name.js';

/** Attributes as they were; xattrs in base64. */
export interface KeptAttributes {
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly atimeSec: number;
  readonly atimeNsec: number;
  readonly mtimeSec: number;
  readonly mtimeNsec: number;
  readonly xattrs: Readonly<Record<Name, string>>;
}

/** `area` is an id, paths are relative to it, `item` is a name in the stage. */
export type ApplyStep =
  /** The object at a path goes to the stage. */
  | { readonly do: 'take'; readonly area: string; readonly path: Name; readonly item: string }
  /** An object of the stage, of the host's or new, gets its place. */
  | { readonly do: 'put'; readonly area: string; readonly path: Name; readonly item: string }
  | { readonly do: 'attributes'; readonly area: string; readonly path: Name; readonly before: KeptAttributes }
  /** A file is written in place; the item has its data from before. */
  | { readonly do: 'data'; readonly area: string; readonly path: Name; readonly item: string };

/**
 * How far an apply has come. `done`: from here on the new tree counts. `reset`: the draft has been emptied too. `undo`: from here on the
 * old tree counts again. `back`: it is there, and no step may be taken back once more, since what waited in the stage goes.
 */
const STATES = ['done', 'reset', 'undo', 'back'] as const;
type ApplyState = (typeof STATES)[number];
type Line = ApplyStep | { readonly do: ApplyState };

export class ApplyLog implements Disposable {
  readonly #fd: number;

  /** @param path is made, or added to. */
  constructor(path: string) {
    this.#fd = openSync(path, 'a', 0o600);
  }

  add(line: Line): void {
    writeSync(this.#fd, `${JSON.stringify(line)}\n`);
    fdatasyncSync(this.#fd);
    crashPoint();
  }

  [Symbol.dispose](): void {
    closeSync(this.#fd);
  }
}

interface ReadLog {
  readonly steps: readonly ApplyStep[];
  readonly states: ReadonlySet<ApplyState>;
}

/** A last line that was cut off is of a step that was not begun. @returns nothing, where there is no log yet. */
export function readLog(path: string): ReadLog {
  const lines: Line[] = [];
  for (const text of existsSync(path) ? readText(path).split('\n') : []) {
    try {
      if (text !== '') lines.push(JSON.parse(text) as Line);
    } catch (error) {
      if (!(error instanceof SyntaxError)) throw error;
    }
  }
  return {
    steps: lines.filter((line) => !isState(line)),
    states: new Set(lines.filter(isState).map((line) => line.do)),
  };
}

function isState(line: Line): line is { readonly do: ApplyState } {
  return (STATES as readonly string[]).includes(line.do);
}
