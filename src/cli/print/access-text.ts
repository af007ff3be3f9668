/**
 * What a user may do with a path, by owners and modes on the way to it: as the kernel decides for mounts with `default_permissions`, which
 * refuses by itself and tells nobody why. path_resolution(7)
 */

import type { WayStep } from '../../daemon/messages/why-reply.js';
import { S_IFDIR, S_IFMT } from '../../linux/constants.js';
import { shown } from './output.js';

interface AskingUser {
  readonly uid: number;
  /** His groups. */
  readonly gids: readonly number[];
}

const READ = 4;
const WRITE = 2;
const EXECUTE = 1;

/** @param text UID, or UID:GID with further groups after commas. @returns undefined for anything else. */
export function parseUser(text: string): AskingUser | undefined {
  const [, uid, gids = uid] = /^(\d{1,10})(?::(\d{1,10}(?:,\d{1,10})*))?$/.exec(text) ?? [];
  return uid === undefined || gids === undefined
    ? undefined
    : { uid: Number(uid), gids: gids.split(',').map(Number) };
}

/** @param way from the root of the mount to the path, or as far as it is there. */
export function accessText(way: readonly WayStep[], user: AskingUser): string {
  const who = `user ${user.uid}`;
  const last = way.at(-1);
  const blocked = way.slice(0, -1).find((step) => (allowed(step, user) & EXECUTE) === 0);
  if (blocked !== undefined) return `${who} does not get there (EACCES): ${factsOf(blocked)}`;
  if (last === undefined) return `what ${who} may do there is not known`;
  const bits = allowed(last, user);
  const isDirectory = (last.mode & S_IFMT) === S_IFDIR;
  const words = [
    { bit: READ, word: isDirectory ? 'list' : 'read' },
    { bit: WRITE, word: isDirectory ? 'change names' : 'write' },
    { bit: EXECUTE, word: isDirectory ? 'go on' : 'execute' },
  ];
  const may = words.filter(({ bit }) => (bits & bit) !== 0).map(({ word }) => word);
  const mayNot = words.filter(({ bit }) => (bits & bit) === 0).map(({ word }) => word);
  const parts = [
    ...(may.length === 0 ? [] : [`may ${may.join(', ')}`]),
    ...(mayNot.length === 0 ? [] : [`may not ${mayNot.join(', ')} (EACCES)`]),
  ];
  return `${who} ${parts.join(', ')}: ${factsOf(last)}`;
}

/** Root reads and writes whatever the mode is, and executes what somebody may. */
function allowed({ mode, uid, gid }: WayStep, user: AskingUser): number {
  if (user.uid === 0) {
    const isExecutable = (mode & S_IFMT) === S_IFDIR || (mode & 0o111) !== 0;
    return READ | WRITE | (isExecutable ? EXECUTE : 0);
  }
  if (uid === user.uid) return (mode >> 6) & 7;
  return (user.gids.includes(gid) ? mode >> 3 : mode) & 7;
}

function factsOf({ path, mode, uid, gid, hasAcl }: WayStep): string {
  const bits = (mode & 0o7777).toString(8).padStart(4, '0');
  const acl = hasAcl ? ', and its ACL may say otherwise (getfacl)' : '';
  return `${shown(path)} is ${bits} of ${uid}:${gid}${acl}`;
}
