/**
 * Who the command runs as: `user[:group]`, names or numbers, looked up in the container's passwd(5) and group(5).
 *
 * The rules are Docker's (moby/sys/user GetExecUser): a number need not be listed; without a group it is the one of
 * passwd, else 0, and the supplementary groups are those that list the user.
 */

import { closeSync, constants, fstatSync, openSync, readFileSync } from 'node:fs';
import { UserError } from '../../errno/user-error.js';

export interface ContainerUser {
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

/** PRECONDITION: the root directory is the container's. @throws UserError for a name that is not there. */
export function findUser(text: string): ContainerUser {
  return lookupUser(text, readText('/etc/passwd'), readText('/etc/group'));
}

/** The texts are those of /etc/passwd and /etc/group. */
export function lookupUser(text: string, passwd: string, group: string): ContainerUser {
  const [userText = '', groupText] = text.split(':', 2);
  const users = parsePasswd(passwd);
  const groups = parseGroup(group);
  const wanted = userText === '' ? '0' : userText;
  const number = idOf(wanted);
  const entry =
    users.find(({ name }) => name === wanted) ??
    (number === undefined ? undefined : users.find(({ uid }) => uid === number));
  if (entry === undefined && number === undefined) {
    throw new UserError(`unable to find user ${wanted}: no matching entries in passwd file`);
  }
  const uid = entry?.uid ?? number ?? 0;
  const home = entry?.home || '/';
  if (groupText !== undefined && groupText !== '') {
    return { uid, gid: gidOf(groupText, groups), groups: [], home };
  }
  const member = entry?.name ?? wanted;
  return {
    uid,
    gid: entry?.gid ?? 0,
    groups: groups.filter(({ members }) => members.includes(member)).map(({ gid }) => gid),
    home,
  };
}

/** Group first, since afterwards there is no privilege left. Supplementary groups cannot be had without privilege. */
export function becomeUser({ uid, gid, groups }: ContainerUser, rootless: boolean): void {
  if (rootless) {
    if (uid === 0 && gid === 0) return;
    throw new UserError(`cannot run as user ${uid}:${gid} without privileges`, {
      hint: 'only root of the container is mapped; run plyfs as root',
    });
  }
  process.setgroups?.([...groups]);
  process.setgid?.(gid);
  process.setuid?.(uid);
}

function gidOf(text: string, groups: readonly GroupEntry[]): number {
  const entry = groups.find(({ name }) => name === text);
  const gid = entry?.gid ?? idOf(text);
  if (gid === undefined) {
    throw new UserError(`unable to find group ${text}: no matching entries in group file`);
  }
  return gid;
}

function idOf(text: string): number | undefined {
  if (!/^\d{1,10}$/.test(text)) return undefined;
  const id = Number(text);
  if (id > MAX_ID) throw new UserError(`uids and gids must be in range 0-${MAX_ID}: '${text}'`);
  return id;
}

function parsePasswd(text: string): PasswdEntry[] {
  return fieldsOf(text).flatMap(([name = '', , uid = '', gid = '', , home = '']) =>
    /^\d+$/.test(uid) && /^\d+$/.test(gid) ? [{ name, uid: Number(uid), gid: Number(gid), home }] : [],
  );
}

function parseGroup(text: string): GroupEntry[] {
  return fieldsOf(text).flatMap(([name = '', , gid = '', members = '']) =>
    /^\d+$/.test(gid) ? [{ name, gid: Number(gid), members: members.split(',') }] : [],
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
    if (
      ['ENOENT', 'ENOTDIR', 'ELOOP', 'ENXIO', 'EACCES'].includes((error as NodeJS.ErrnoException).code ?? '')
    )
      return '';
    throw error;
  }
  try {
    const stat = fstatSync(fd);
    return stat.isFile() && stat.size <= MAX_BYTES ? readFileSync(fd, 'utf8') : '';
  } finally {
    closeSync(fd);
  }
}
