/** One change of a draft, as a person would tell it. */

import type { Base } from '../../union/form/base.js';
import type { Name } from '../../vfs/name.js';
import type { DraftArea } from '../record/draft-record.js';
import type { Side } from './beneath-tree.js';

export type ChangeKind = 'deleted' | 'moved' | 'added' | 'changed';

/** What of an object is another. `type`: it was of another type, or is another object altogether. */
export type Facet = 'type' | 'content' | 'mode' | 'owner' | 'xattrs' | 'times';

export interface Change {
  readonly kind: ChangeKind;
  readonly area: DraftArea;
  /** Relative to the area, as are all of its paths. */
  readonly path: Name;
  /** Where the object is on the host: of a moved one, and of what lies in a moved directory. */
  readonly hostPath: Name;
  /** What has changed of it. Empty for `added` and `deleted`; a deleted directory stands for all that is in it. */
  readonly facets: readonly Facet[];
  /** On the host now; undefined: it has none of that path. */
  readonly host: Side | undefined;
  /** In the draft; undefined: deleted. */
  readonly draft: Side | undefined;
  /** What the host had when it was copied into the draft; undefined: it is new, deleted, or cannot be told. */
  readonly base: Base | undefined;
  /** The data is that of the host: the draft has the attributes alone. */
  readonly isMetadata: boolean;
}
