/**
 * The last copy-ups and whiteouts of a union, for people: which path, when, by which process. In memory alone.
 *
 * A copy-up takes a dozen system calls, and what is noted here half a microsecond of it, but for the name of a process that is not
 * the one of the change before: a read of /proc.
 */

import { processName } from '../../linux/process/process-name.js';
import type { Name } from '../../vfs/name.js';
import { nodePath } from '../../vfs/node-path.js';

export interface NotedChange {
  readonly kind: 'copy-up' | 'whiteout';
  /** Within the union, without a leading slash. */
  readonly path: Name;
  readonly timeMs: number;
  /** The thread; 0 for the kernel's own. */
  readonly pid: number;
  /** What the process is called; '' where that is not known. */
  readonly process: string;
}

const MOST_NOTED = 512;

interface ChangedNode {
  readonly name: Name;
  readonly parent: ChangedNode | undefined;
}

export class ChangeHistory {
  readonly #noted: NotedChange[] = [];
  #next = 0;
  #pid = 0;
  #process = '';

  note(kind: NotedChange['kind'], node: ChangedNode, pid: number): void {
    if (pid !== this.#pid) {
      this.#pid = pid;
      this.#process = processName(pid);
    }
    const change = { kind, path: nodePath(node), timeMs: Date.now(), pid, process: this.#process };
    this.#noted[this.#next] = change;
    this.#next = (this.#next + 1) % MOST_NOTED;
  }

  /** Latest first. */
  latest(count: number): NotedChange[] {
    const { length } = this.#noted;
    const out: NotedChange[] = [];
    for (let back = 1; back <= Math.min(count, length); back++)
      out.push(this.#noted[(this.#next - back + length) % length]!);
    return out;
  }

  /** The last change of that kind at the path. */
  find(kind: NotedChange['kind'], path: Name): NotedChange | undefined {
    return this.latest(MOST_NOTED).find((change) => change.kind === kind && change.path === path);
  }
}
