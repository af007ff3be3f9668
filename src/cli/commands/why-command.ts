/**
 * `plyfs why`: which layer shows a path, and what happened to it in the others.
 */

import { resolve } from 'node:path';
import { Command } from 'commander';
import type { WhyReply, WhyStep } from '../../daemon/messages/why-reply.js';
import { UserError } from '../../errno/user-error.js';
import { nameFromText } from '../../vfs/name.js';
import { DEBUG_FLAG } from '../frame/common-options.js';
import { openStore, ROOT_FLAG, ROOT_TEXT, type StoreFlags } from '../frame/store-command.js';
import { accessText, parseUser } from '../print/access-text.js';
import { fail, jsonText, printShown, shown, shownLine } from '../print/output.js';

const DETAILS = `
The path is asked about at the daemon and not opened. Topmost layer first; layers without the name are left out.
  shows      what is seen                      merged     a directory whose names show too
  whiteout   deleted here                      opaque     a directory that hides those below
  hidden     there, but something above hides it
For a layer of an image, the line of the history that made it comes after the path. Where nothing can be written, the option
that makes it so is told: the kernel refuses that by itself, and no log has it. So it does what modes forbid: --user says what a
user may do there, and which name on the way keeps him out.

Examples:
  plyfs why /mnt/etc/passwd
  plyfs why web:/etc/passwd                    in a container that is mounted
  plyfs why --user 33 web:/var/www/html        what user 33 may do there, by owners and modes
  plyfs why --format json /mnt/etc | jq -r .shown.where`;

interface WhyFlags extends StoreFlags {
  readonly format: string;
  readonly user?: string;
}

export function whyCommand(): Command {
  return new Command('why')
    .description('say which layer shows a path, and what hides it elsewhere')
    .argument('<path>', 'a path in a mount, or CONTAINER:/PATH; it need not exist')
    .option(ROOT_FLAG, ROOT_TEXT)
    .option('--user <uid[:gid]>', 'also what this user may do there; numbers, further groups after commas')
    .option('--format <format>', "'text' or 'json'", 'text')
    .option(DEBUG_FLAG, 'stack traces with errors')
    .addHelpText('after', DETAILS)
    .action(runWhy);
}

async function runWhy(path: string, flags: WhyFlags): Promise<void> {
  try {
    const { explainPath } = await import('../../daemon/client/explain-path.js');
    const user = flags.user === undefined ? undefined : parseUser(flags.user);
    if (flags.user !== undefined && user === undefined)
      throw new UserError(`invalid --user '${flags.user}'`, { hint: 'numbers: UID or UID:GID,GID' });
    const absolute = await absoluteOf(path, flags);
    const reply = await explainPath(nameFromText(absolute), { withWay: user !== undefined });
    const access = user === undefined || reply.way === undefined ? '' : `  ${accessText(reply.way, user)}\n`;
    printShown(flags.format === 'json' ? `${jsonText(reply, 2)}\n` : `${formatWhy(reply)}${access}`);
    if (reply.shown === null) process.exitCode = 1;
  } catch (error) {
    fail('why', error, { debug: flags.debug === true });
  }
}

/** `NAME:/path` is a path in a mounted container, whatever files there are. */
async function absoluteOf(path: string, flags: WhyFlags): Promise<string> {
  if (path.startsWith('/')) return path;
  const [, name, inside] = /^([a-zA-Z0-9][\w.-]+):(\/.*)$/s.exec(path) ?? [];
  if (name === undefined || inside === undefined) return `${resolve('.')}/${path}`;
  const { resolveContainer } = await import('../../container/record/find.js');
  const { mountPointOf } = await import('../../container/record/status.js');
  const store = await openStore(flags);
  return `${mountPointOf(store, resolveContainer(store, name))}${inside}`;
}

/** First what is seen, then a line for each layer that has the name. */
export function formatWhy({ path, shown: seen, chain, readOnly }: WhyReply): string {
  const name = shown(path);
  const first = seen === null ? `${name}: no such name` : `${name}: ${seen.kind} from ${shown(seen.where)}`;
  const width = Math.max(0, ...chain.map((step) => step.what.length));
  const last = readOnly === undefined ? [] : [`  writing is refused (EROFS): ${shown(readOnly)}`];
  return `${[first, ...chain.map((step) => stepLine(step, width)), ...last].join('\n')}\n`;
}

function stepLine({ what, path, by, note }: WhyStep, width: number): string {
  const details = [...(by === undefined ? [] : [`by ${by}`]), ...(note === undefined ? [] : [note])];
  return `  ${what.padEnd(width)}  ${shown(path)}${details.length > 0 ? ` (${shownLine(details.join('; '))})` : ''}`;
}
