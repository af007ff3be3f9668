/**
 * What of a change somebody should look at twice: what gives rights, what others will run without being asked, devices.
 *
 * By path and mode alone; a list that is never complete. `apply` wants a word of its own for each of these kinds.
 */

import { S_IFBLK, S_IFCHR, S_IFREG, S_ISGID, S_ISUID, XATTR_NAME_CAPS } from '../../linux/constants.js';
import { displayName } from '../../vfs/name.js';
import { joined } from './beneath-tree.js';
import type { Change } from './change.js';

/** What has to be allowed before `apply` takes such a change over. */
export type Permit = 'setuid' | 'devices' | 'hooks';

interface Attention {
  /** In words: `setuid`, `git hook`, `cron` ... */
  readonly marks: readonly string[];
  readonly permits: readonly Permit[];
}

/** Files that are run, or obeyed, by others than who wrote them. */
const HOOKS: readonly [pattern: RegExp, mark: string][] = [
  [/\/\.git\/(hooks\/|config$)|\/\.(husky|githooks)\//, 'git hook'],
  [/^\/etc\/(cron|anacron)|^\/var\/spool\/(cron|anacron|at)\//, 'cron'],
  [
    /^\/(etc|usr\/lib|lib|usr\/local\/lib)\/systemd\/|\/\.config\/systemd\/|\/\.local\/share\/systemd\//,
    'unit',
  ],
  [/^\/etc\/(init|init\.d|rc[0-9S]?\.d|rc\.local)(\/|$)/, 'unit'],
  [
    /\/\.(bashrc|bash_profile|bash_login|bash_logout|bash_aliases|profile|zshrc|zshenv|zprofile|zlogin|kshrc|cshrc|tcshrc)$/,
    'shell start',
  ],
  [/^\/etc\/(profile|bash\.bashrc|bashrc|zsh|csh|environment)(\/|\.d\/|$)|\/\.config\/fish\//, 'shell start'],
  [/\/\.config\/autostart\/|^\/etc\/xdg\/autostart\//, 'autostart'],
  [/\/\.ssh\/|^\/etc\/ssh\//, 'ssh'],
  [/^\/etc\/(sudoers|doas\.conf|pam\.d|security)(\/|\.d\/|$)/, 'rights'],
  [/^\/etc\/(passwd|shadow|group|gshadow|subuid|subgid)-?$/, 'accounts'],
  [/^\/etc\/ld\.so\.(preload|conf)/, 'loader'],
  [/^\/(etc|usr\/lib|lib)\/(udev|modprobe\.d|modules-load\.d|tmpfiles\.d|sysctl\.d)\//, 'system start'],
];

export function attentionOf(change: Change, xattrNames: readonly string[] = []): Attention {
  const path = displayName(joined(change.area.path, change.path));
  const hook = HOOKS.find(([pattern]) => pattern.test(path))?.[1];
  const { draft } = change;
  const marks: string[] = [];
  const permits: Permit[] = [];
  if (draft !== undefined) {
    const isProgram = draft.type === S_IFREG;
    if (isProgram && (draft.mode & S_ISUID) !== 0) marks.push('setuid');
    if (isProgram && (draft.mode & S_ISGID) !== 0) marks.push('setgid');
    if (xattrNames.includes(XATTR_NAME_CAPS)) marks.push('capabilities');
    if (marks.length > 0) permits.push('setuid');
    if (draft.type === S_IFCHR || draft.type === S_IFBLK) {
      marks.push('device');
      permits.push('devices');
    }
  }
  if (hook !== undefined) {
    marks.push(hook);
    // What goes does nothing any more.
    if (draft !== undefined) permits.push('hooks');
  }
  if (/\/\./.test(path)) marks.push('hidden');
  return { marks, permits };
}
