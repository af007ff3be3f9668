/** What is to be mounted or unmounted in the namespace of a running command (change-main.ts): one JSON record in, one out. */

import type { AttachedMount, NamespaceMount } from '../enter-request.js';

export interface ChangeRequest {
  /** Host pid of the command. */
  readonly pid: number;
  /** Where the tree is mounted on the host. */
  readonly root: string;
  readonly rootless: boolean;
  readonly privileged: boolean;
  /** What the kernel has mounted there for the container so far. */
  readonly attached: readonly AttachedMount[];
  /** One that the tree shows already. */
  readonly add?: NamespaceMount;
  /** Target of one that the tree shows no more. */
  readonly remove?: string;
}

export type ChangeReply =
  | { readonly ok: true; readonly attached: readonly AttachedMount[] }
  | { readonly ok: false; readonly message: string; readonly hint?: string };
