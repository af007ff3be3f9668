/**
 * Which of overlayfs's features upper is written with, and which of them are read: `metacopy=`, `redirect_dir=`,
 * `index=`. Linux: fs/overlayfs/params.c v6.18.
 */

export interface UnionFeatures {
  /** A change of metadata copies no data. Off: whole copies are made, and one without its data is refused (EPERM). */
  readonly metacopy: boolean;
  /**
   * `on`: directories with a part in a lower are renamed, and tell where that lies. Else EXDEV; `nofollow` refuses what
   * others have renamed so (EPERM).
   */
  readonly redirectDir: 'on' | 'follow' | 'nofollow';
  /** Hard links of a lower stay links after copy-up. */
  readonly index: boolean;
}

export const ALL_FEATURES: UnionFeatures = { metacopy: true, redirectDir: 'on', index: true };

/** What there is in `user.overlay.*`. */
export const USER_FEATURES: UnionFeatures = { metacopy: false, redirectDir: 'nofollow', index: true };
