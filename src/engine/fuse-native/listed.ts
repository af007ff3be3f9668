/**
 * A whole directory, as libfuse 2.9 wants it: it asks once for each opendir and keeps the positions itself.
 *
 * A name that is not UTF-8 is listed with U+FFFD, where its bytes cannot pass: so it shows that something is there,
 * though every use of it is EILSEQ (text-names.ts).
 */

import type { Entry } from '../../vfs/attr.js';
import type { DirentSink } from '../../vfs/file-system.js';
import { displayName, type Name } from '../../vfs/name.js';

export class Listed implements DirentSink {
  readonly plus = false;
  readonly names: string[] = [];
  readonly inos: number[] = [];
  /** DT_*. */
  readonly types: number[] = [];
  /** Where reading resumes. */
  nextOffset = 0;

  fits(): boolean {
    return true;
  }

  add(name: Name, ino: number, type: number, nextOffset: number): void {
    this.names.push(displayName(name));
    this.inos.push(ino);
    this.types.push(type);
    this.nextOffset = nextOffset;
  }

  addPlus(_name: Name, _entry: Entry): void {
    throw new Error('an entry with attributes was added to a plain listing');
  }
}
