/**
 * `-o` of `plyfs mount`: the options of `mount -t overlay` (fs/overlayfs/params.c v6.18), of fuse-overlayfs and of
 * mount(8), so that plyfs can stand in for either.
 *
 * Escapes are the kernel's: `\,` is a comma in a value, `\:` a colon in a lowerdir, `\\` a backslash; before any
 * other character the backslash is dropped too. Of options that contradict each other the later wins.
 */

import { posix } from 'node:path';
import { UserError } from '../../errno/user-error.js';

export interface OverlayOptions {
  /** Topmost first, as given; absolute. Empty when none was given. */
  readonly lowerdir: readonly string[];
  /** Data-only layers, topmost first: `lowerdir=a::b`, `datadir+=b`. Their names do not show. */
  readonly datadir: readonly string[];
  readonly upperdir: string | undefined;
  readonly workdir: string | undefined;
  /**
   * Switches under their positive name, except `ro` (`rw` is `ro: false`, `nosuid` is `suid: false`), and options
   * with a value as text. What was not given is absent.
   */
  readonly flags: Readonly<Record<string, string | boolean>>;
}

const pairs = ['suid', 'dev', 'exec', 'atime', 'diratime', 'relatime', 'strictatime', 'lazytime'];

type FlagValue = readonly [flag: string, value: boolean];

const switches: ReadonlyMap<string, FlagValue> = new Map<string, FlagValue>([
  ['ro', ['ro', true]],
  ['rw', ['ro', false]],
  ['sync', ['sync', true]],
  ['async', ['sync', false]],
  ...pairs.flatMap((name) => [[name, [name, true]] as const, [`no${name}`, [name, false]] as const]),
  ...[
    ...['userxattr', 'volatile', 'coherent', 'allow_other', 'default_permissions', 'dirsync'],
    ...['squash_to_root', 'static_nlink', 'noacl', 'noxattr'],
  ].map((name) => [name, [name, true]] as const),
]);

/** Undefined: any value. What plyfs cannot do is not listed, so that nobody believes that it happens. */
const valued: ReadonlyMap<string, readonly string[] | undefined> = new Map([
  ['redirect_dir', ['on', 'off', 'follow', 'nofollow']],
  ['index', ['on', 'off']],
  ['metacopy', ['on', 'off']],
  ['xino', ['on', 'off', 'auto']],
  ['nfs_export', ['on', 'off']],
  ['verity', ['on', 'off', 'require']],
  ['uuid', ['on', 'off', 'auto', 'null']],
  ['compat', ['fuse-overlayfs']],
  ['passthrough', ['programs', 'all']],
  ['awake', ['on', 'off', 'process']],
  ['uidmapping', undefined],
  ['gidmapping', undefined],
  ['squash_to_uid', undefined],
  ['squash_to_gid', undefined],
  ['noxattrs', ['0', '1']],
  ['xattr_permissions', ['0', '1', '2']],
  ['context', undefined],
  ['fscontext', undefined],
  ['defcontext', undefined],
  ['rootcontext', undefined],
  ['fsync', ['0', '1', 'volatile', 'auto', 'strict']],
  ['fsname', undefined],
  ['subtype', undefined],
]);

/** Words of fstab(5) for other programs, and fuse-overlayfs's and libfuse's about their own workings. */
const ignored =
  /^(?:defaults|auto|noauto|nofail|_netdev|nouser|debug|clone_fd|threaded|fast_ino|[xX]-.*|(?:threaded|fast_ino|max_idle_threads|max_threads|writeback|timeout|plugins|comment|user)=.*)$/s;

/** What mount(8) takes along with who may mount; a later `exec` wins, as there. */
const implied: ReadonlyMap<string, readonly string[]> = new Map([
  ['user', ['noexec', 'nosuid', 'nodev']],
  ['users', ['noexec', 'nosuid', 'nodev']],
  ['owner', ['nosuid', 'nodev']],
  ['group', ['nosuid', 'nodev']],
]);

const DIRECTORIES: ReadonlySet<string> = new Set([
  'lowerdir',
  'upperdir',
  'workdir',
  'lowerdir+',
  'datadir+',
]);

const DATA_IS_LAST = 'a layer cannot follow a layer of data alone';

/**
 * Reads all `-o` values of a command, in order.
 * @param cwd absolute; relative directories are taken from it.
 * @param onUnknown gets each option that is not known, which is then ignored.
 * @throws UserError for an unknown option, a wrong value or an empty directory.
 */
export function parseOverlayOptions(
  values: readonly string[],
  cwd: string,
  onUnknown?: (option: string) => void,
): OverlayOptions {
  const directories = new Map<string, string>();
  const appended: string[] = [];
  const appendedData: string[] = [];
  const flags = new Map<string, string | boolean>();
  const given = values.flatMap((value) => splitOptions(value));
  for (const option of given.flatMap((one) => implied.get(one) ?? [one])) {
    const equals = option.indexOf('=');
    const key = equals < 0 ? option : option.slice(0, equals);
    const value = equals < 0 ? undefined : option.slice(equals + 1);
    if (DIRECTORIES.has(key)) {
      if (!value) throw new UserError(`invalid mount option '${option}': no directory is given`);
      if (key === 'datadir+') appendedData.push(resolveLiteral(value, cwd));
      else if (key === 'lowerdir+') {
        if (appendedData.length > 0) throw new UserError(DATA_IS_LAST);
        appended.push(resolveLiteral(value, cwd));
      } else directories.set(key, value);
    } else if (onUnknown !== undefined && !switches.has(key) && !valued.has(key) && !ignored.test(option)) {
      if (option !== '') onUnknown(option);
    } else if (option !== '' && !ignored.test(option)) {
      const [flag, setting] = readFlag(key, value, option);
      flags.set(flag, setting);
    }
  }
  const lowerdir = directories.get('lowerdir');
  const isAppended = appended.length > 0 || appendedData.length > 0;
  if (lowerdir !== undefined && isAppended)
    throw new UserError("cannot mix 'lowerdir' with 'lowerdir+' and 'datadir+'");
  if (appended.length === 0 && appendedData.length > 0)
    throw new UserError("'datadir+' needs a layer above it, given by 'lowerdir+'");
  const upperdir = directories.get('upperdir');
  const workdir = directories.get('workdir');
  return {
    ...(lowerdir === undefined
      ? { lowerdir: appended, datadir: appendedData }
      : parseLowerdir(lowerdir, cwd)),
    upperdir: upperdir === undefined ? undefined : resolveDirectory(upperdir, cwd),
    workdir: workdir === undefined ? undefined : resolveDirectory(workdir, cwd),
    flags: Object.fromEntries(flags),
  };
}

function readFlag(
  key: string,
  value: string | undefined,
  option: string,
): readonly [string, string | boolean] {
  const change = switches.get(key);
  if (change) {
    if (value !== undefined) throw new UserError(`invalid mount option '${option}': '${key}' takes no value`);
    return change;
  }
  if (!valued.has(key))
    throw new UserError(`unknown mount option '${option}'`, { hint: "'plyfs mount --help' has them" });
  const allowed = valued.get(key);
  const text = dropEscapes(value ?? '');
  if (text === '' || (allowed && !allowed.includes(text))) {
    throw new UserError(
      `invalid mount option '${option}': '${key}' must be ${allowed?.join(', ') ?? 'given'}`,
    );
  }
  return [key, text];
}

/** `a:b::c::d`: layers a and b, and c and d of data alone. */
function parseLowerdir(value: string, cwd: string): Pick<OverlayOptions, 'lowerdir' | 'datadir'> {
  const lowerdir: string[] = [];
  const datadir: string[] = [];
  let isData = false;
  for (const [index, piece] of splitUnescaped(value, ':').entries()) {
    // An empty piece stands between the two colons in front of a data-only layer.
    if (piece === '' && index > 0 && !isData) {
      isData = true;
      continue;
    }
    if (piece === '') throw emptyDirectory(value);
    const directory = resolveDirectory(piece, cwd);
    if (isData) datadir.push(directory);
    else if (datadir.length > 0) throw new UserError(DATA_IS_LAST);
    else lowerdir.push(directory);
    isData = false;
  }
  if (isData) throw emptyDirectory(value);
  return { lowerdir, datadir };
}

function emptyDirectory(value: string): UserError {
  return new UserError(`invalid mount option 'lowerdir=${value}': a directory is empty`, {
    hint: "'::' stands before a layer of data alone; a colon in a name is written '\\:'",
  });
}

/** Resolves the value of `lowerdir+` or `datadir+`: one directory, in which overlayfs knows no escapes; '\,' is a comma all the same. */
function resolveLiteral(text: string, cwd: string): string {
  const path = text.replaceAll('\\,', ',');
  if (path.includes('\0')) throw new UserError(`invalid path: '${path}' holds a NUL byte`);
  return posix.resolve(cwd, path);
}

function resolveDirectory(escaped: string, cwd: string): string {
  const path = dropEscapes(escaped);
  if (path.includes('\0')) throw new UserError(`invalid path: '${path}' holds a NUL byte`);
  return posix.resolve(cwd, path);
}

/** Splits at commas, but for those of a quoted SELinux context, whose quotes go: `context="a:s0:c1,c2"`. See mount(8). */
function splitOptions(text: string): string[] {
  const pieces: string[] = [];
  let quoted: string | undefined;
  for (const piece of splitUnescaped(text, ',')) {
    const whole = quoted === undefined ? piece : `${quoted},${piece}`;
    const isOpen = /^(?:fs|def|root)?context="[^"]*$/s.test(whole);
    quoted = isOpen ? whole : undefined;
    if (!isOpen) pieces.push(whole.replace(/^((?:fs|def|root)?context=)"([^"]*)"$/s, '$1$2'));
  }
  if (quoted !== undefined) throw new UserError(`invalid mount option '${quoted}': its quote does not end`);
  return pieces;
}

/** Splits at the separator where no backslash stands before it; the pieces keep their escapes. */
function splitUnescaped(text: string, separator: string): string[] {
  const pieces: string[] = [];
  let start = 0;
  for (let index = 0; index < text.length; index++) {
    if (text[index] === '\\') index++;
    else if (text[index] === separator) {
      pieces.push(text.slice(start, index));
      start = index + 1;
    }
  }
  return [...pieces, text.slice(start)];
}

/** A backslash at the very end stands for itself. */
function dropEscapes(text: string): string {
  return text.replace(/\\(.)/gsu, '$1');
}
