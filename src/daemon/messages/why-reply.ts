/**
 * The session worker's reply to `why`: which layer shows a name, and what hides it in the others.
 */

/** What `why` says of one layer. All strings are text for people. */
export interface WhyStep {
  /** Directory of the layer on the host, or a mount's target. */
  readonly layer: string;
  readonly path: string;
  readonly what: string;
  /** For `hidden`: what hides it. */
  readonly by?: string;
  readonly note?: string;
}

/** The reply to `why`, topmost first. */
export interface WhyReply {
  readonly path: string;
  readonly shown: { readonly kind: string; readonly where: string } | null;
  readonly chain: readonly WhyStep[];
  /** Why nothing can be written there, whoever asks; the kernel refuses that by itself, and tells nobody. */
  readonly readOnly?: string;
  /** Where it was asked for: from the root of the mount as far as the path is there and is no remote storage. */
  readonly way?: readonly WayStep[];
}

/** A name on the way to a path, by which the kernel decides who may go on. */
export interface WayStep {
  /** Within the mount; text. */
  readonly path: string;
  /** Type and permission bits, as st_mode. */
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  /** It has a POSIX ACL, which may allow or forbid more than the mode says. */
  readonly hasAcl: boolean;
}
