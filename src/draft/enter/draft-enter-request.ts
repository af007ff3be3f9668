/**
 * What travels over descriptor 3 between `plyfs try` and the process that becomes its command (draft-enter-main.ts): one request
 * in, one report out, and a line back before the command begins. Strings are text, but for names of bytes.
 */

import type { Name } from '../../vfs/name.js';

export interface EnterMount {
  readonly path: Name;
  /** What shows there: a directory of the host, mounts below it included, or the mount of an area. */
  readonly source: Name;
  readonly access: 'as it is' | 'read-only' | 'area';
  /** The mount of an area that has no place, which this moves. */
  readonly fd?: number;
}

export interface DraftEnterRequest {
  /** What is above comes first. Where `/` is not among them the host's tree is the root, read-only. */
  readonly mounts: readonly EnterMount[];
  /** Directories that get an empty tmpfs: plyfs' own, and those for temporary files where the host's is read-only. */
  readonly emptied: readonly { readonly path: Name; readonly mode: number }[];
  /** Read-only directories in which programs may write nevertheless: that goes to memory. */
  readonly caches: readonly Name[];
  /** Where the new root is put together: a directory that a mount of a draft covers, of no use otherwise. */
  readonly assembly: Name;
  readonly workingDirectory: Name;
  /** What the command's environment has beside that of who starts it. */
  readonly variables: Readonly<Record<string, string>>;
  readonly args: readonly string[];
  /** In a user namespace of one user, whose privileges there end with the preparation. */
  readonly isUserNamespace: boolean;
}

export type DraftEnterReport =
  | { readonly at: 'ready' }
  | { readonly at: 'failed'; readonly code: 125 | 126 | 127; readonly message: string };
