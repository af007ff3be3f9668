/**
 * The user that the command runs as: `user[:group]`, names or numbers, looked up in the container's passwd(5) and group(5).
 *
 * The rules are Docker's (moby/sys/user GetExecUser): a number is one and need not be listed; without a group it is the one
 * of passwd, else 0, and the supplementary groups are those that list the user.
 */

import { closeSync, constants, fstatSync, openSync, readFileSync } from 'node:fs';
import { hasCode } from '../../errno/error-code.js';
import { check } from '../../errno/fs-error.js';
import { UserError } from '../../errno/user-error.js';
import { setThreadGroups, setThreadUser } from '../../linux/process/thread-credentials.js';

interface ContainerUser {
  readonly uid: number;
  readonly gid: number;
  readonly groups: readonly number[];
  readonly home: string;
}

interface PasswdEntry {
  readonly name: string;
  readonly uid: number;
  readonly gid: number;
  readonly home: string;
}

interface GroupEntry {
  readonly name: string;
  readonly gid: number;
  readonly members: readonly string[];
}

const MAX_ID = 0x7fff_ffff;
const MAX_BYTES = 16 << 20;

/**
 * @param groupAdd names or numbers of more supplementary groups.
 * PRECONDITION: the root directory is the container's. @throws UserError for a name that is not there.
 */
export function findUser(text: string, groupAdd: readonly string[] = []): ContainerUser {
  const group = readText('/etc/group');
  const user = lookupUser(text, readText('/etc/passwd'), group);
  if (groupAdd.length === 0) return user;
  const known = parseGroup(group);
  return { ...user, groups: [...new Set([...user.groups, ...groupAdd.map((name) => gidOf(name, known))])] };
}

/** The texts are those of /etc/passwd and /etc/group. */
export function lookupUser(text: string, passwd: string, group: string): ContainerUser {
  const [userText = '', groupText = ''] = text.split(':', 2);
  const users = parsePasswd(passwd);
  const groups = parseGroup(group);
  const wanted = userText === '' ? '0' : userText;
  const number = idOf(wanted);
  const entry = users.find(({ name, uid }) => (number === undefined ? name === wanted : uid === number));
  if (entry === undefined && number === undefined) {
    throw new UserError(`unable to find user ${wanted}: no matching entries in passwd file`);
  }
  const uid = number ?? inRange(entry?.uid ?? 0, wanted);
  const home = entry?.home || '/';
  if (groupText !== '') return { uid, gid: gidOf(groupText, groups), groups: [], home };
  const member = entry?.name;
  const others = groups.filter(
    ({ gid, members }) => member !== undefined && members.includes(member) && gid >= 0 && gid <= MAX_ID,
  );
  return {
    uid,
    gid: inRange(entry?.gid ?? 0, `the group of ${wanted}`),
    groups: others.map(({ gid }) => gid),
    home,
  };
}

/** @throws UserError for any but root in a user namespace that maps one id. */
export function assertMapped({ uid, gid }: ContainerUser): void {
  if (uid === 0 && gid === 0) return;
  throw new UserError(`cannot run as user ${uid}:${gid} without privileges`, {
    hint: 'only root of the container is mapped; run plyfs as root',
  });
}

/**
 * Group first, since afterwards there is no privilege left. Supplementary groups cannot be had without privilege.
 * @param goesOn this process stays what it is, with all its threads. Else the one that calls is enough: execve(2) ends the others.
 */
export function becomeUser(
  { uid, gid, groups }: ContainerUser,
  { rootless, goesOn }: { readonly rootless: boolean; readonly goesOn: boolean },
): void {
  if (rootless) return;
  // The first one is among them, as in Docker.
  const all = [...new Set([gid, ...groups])];
  if (goesOn) {
    process.setgroups?.(all);
    process.setgid?.(gid);
    process.setuid?.(uid);
    return;
  }
  check(setThreadGroups(all), 'setgroups');
  check(setThreadUser(uid, gid), 'become user', String(uid));
}

function gidOf(text: string, groups: readonly GroupEntry[]): number {
  const gid = idOf(text) ?? groups.find(({ name }) => name === text)?.gid;
  if (gid === undefined) {
    throw new UserError(`unable to find group ${text}: no matching entries in group file`);
  }
  return inRange(gid, text);
}

/** A number is one, whatever the image's files call by it. */
function idOf(text: string): number | undefined {
  return /^[-+]?\d+$/.test(text) ? inRange(Number(text), text) : undefined;
}

/** The kernel would take 2^32 for root. */
function inRange(id: number, text: string): number {
  if (id >= 0 && id <= MAX_ID) return id;
  throw new UserError(`uids and gids must be in range 0-${MAX_ID}: '${text}'`);
}

function parsePasswd(text: string): PasswdEntry[] {
  return fieldsOf(text).flatMap(([name = '', , uid = '', gid = '', , home = '']) =>
    /^-?\d+$/.test(uid) && /^-?\d+$/.test(gid) ? [{ name, uid: Number(uid), gid: Number(gid), home }] : [],
  );
}

function parseGroup(text: string): GroupEntry[] {
  return fieldsOf(text).flatMap(([name = '', , gid = '', members = '']) =>
    /^-?\d+$/.test(gid) ? [{ name, gid: Number(gid), members: members.split(',') }] : [],
  );
}

function fieldsOf(text: string): string[][] {
  const lines = text.split('\n').map((line) => line.trim());
  return lines.filter((line) => line !== '' && !line.startsWith('#')).map((line) => line.split(':'));
}

/** Empty when it is no ordinary file: a fifo there must not make us wait. */
function readText(path: string): string {
  let fd: number;
  try {
    fd = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
  } catch (error) {
    if (hasCode(error, 'ENOENT', 'ENOTDIR', 'ELOOP', 'ENXIO', 'EACCES')) return '';
    throw error;
  }
  try {
    const stat = fstatSync(fd);
    return stat.isFile() && stat.size <= MAX_BYTES ? readFileSync(fd, 'utf8') : '';
  } finally {
    closeSync(fd);
  }
}
