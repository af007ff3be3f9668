/**
 * The command line of fuse-overlayfs(1), whose place `plyfs-overlay` takes: `[-f] [-d] [-s] [-V] [-h] [-o OPTS]... MOUNTPOINT`,
 * as libfuse and fuse-overlayfs 1.10 read it (tried beside it).
 */

import { UserError } from '../../errno/user-error.js';

export interface OverlayArguments {
  readonly wants: 'mount' | 'help' | 'version';
  readonly foreground: boolean;
  readonly debug: boolean;
  /** Values of `-o`, in order. */
  readonly options: readonly string[];
  readonly mountpoint: string;
}

/** @throws UserError for a command line without a mount point, or with two. */
export function readOverlayArguments(argv: readonly string[]): OverlayArguments {
  const options: string[] = [];
  const words: string[] = [];
  const flags = new Set<string>();
  for (let at = 0; at < argv.length; at++) {
    const word = argv[at] ?? '';
    if (word === '--') words.push(...argv.slice(at + 1));
    if (word === '--') break;
    if (word === '-o') {
      const value = argv[++at];
      if (value === undefined) throw new UserError("missing argument after '-o'");
      options.push(value);
    } else if (word.startsWith('-o')) options.push(word.slice(2));
    else if (FLAGS.has(word)) flags.add(FLAGS.get(word) ?? '');
    else if (word.startsWith('-') && word !== '-') throw new UserError(`unknown option '${word}'`, HINT);
    else words.push(word);
  }
  const debug = flags.has('debug') || options.some((value) => value.split(',').includes('debug'));
  const wants = flags.has('help') ? 'help' : flags.has('version') ? 'version' : 'mount';
  const [mountpoint = '', second] = words;
  if (wants === 'mount' && mountpoint === '') throw new UserError('no mount point is given', HINT);
  if (second !== undefined) throw new UserError(`'${second}' is a second mount point`, HINT);
  return { wants, foreground: flags.has('foreground') || debug, debug, options, mountpoint };
}

const HINT = { hint: "see 'plyfs-overlay --help'" };

/** `-s` is about threads of libfuse. */
const FLAGS: ReadonlyMap<string, string> = new Map([
  ['-f', 'foreground'],
  ['-d', 'debug'],
  ['--debug', 'debug'],
  ['-s', 'single'],
  ['-V', 'version'],
  ['--version', 'version'],
  ['-h', 'help'],
  ['--help', 'help'],
]);

/**
 * What upper must not have is switched off behind all that is asked: storage.conf of Podman and Buildah asks for
 * metacopy, which whoever mounts or packs the layer after us may not read.
 */
export function neighbourlyOptions(options: readonly string[]): string[] {
  const isUser = options.some((value) => value.split(',').includes('userxattr'));
  // With userxattr overlayfs follows no redirect, and wants nobody to ask for it.
  const redirect = isUser ? 'nofollow' : 'off';
  return [...options, `metacopy=off,redirect_dir=${redirect},index=off,compat=fuse-overlayfs`];
}
