/**
 * `plyfs why`: which layer shows a path, and what happened to it in the others.
 */

import { resolve } from 'node:path';
import { Command } from 'commander';
import type { WhyReply, WhyStep } from '../../daemon/why-reply.js';
import { nameFromText } from '../../vfs/name.js';
import { DEBUG_FLAG } from '../options.js';
import { fail, print } from '../output.js';
import { openStore, ROOT_FLAG, ROOT_TEXT, type StoreFlags } from '../store-command.js';

const DETAILS = `
The path is asked about at the daemon and not opened. Topmost layer first; layers without the name are left out.
  shows      what is seen                      merged     a directory whose names show too
  whiteout   deleted here                      opaque     a directory that hides those below
  hidden     there, but something above hides it
For a layer of an image, the line of the history that made it comes after the path.

Examples:
  plyfs why /mnt/etc/passwd
  plyfs why web:/etc/passwd                    in a container that is mounted
  plyfs why --format json /mnt/etc | jq -r .shown.where`;

interface WhyFlags extends StoreFlags {
  readonly format: string;
}

export function whyCommand(): Command {
  return new Command('why')
    .description('say which layer shows a path, and what hides it elsewhere')
    .argument('<path>', 'a path in a mount, or CONTAINER:/PATH; it need not exist')
    .option(ROOT_FLAG, ROOT_TEXT)
    .option('--format <format>', "'text' or 'json'", 'text')
    .option(DEBUG_FLAG, 'stack traces with errors')
    .addHelpText('after', DETAILS)
    .action(runWhy);
}

async function runWhy(path: string, flags: WhyFlags): Promise<void> {
  try {
    const { explainPath } = await import('../../daemon/explain.js');
    const absolute = await absoluteOf(path, flags);
    const reply = await explainPath(nameFromText(absolute));
    print(flags.format === 'json' ? `${JSON.stringify(reply, null, 2)}\n` : formatWhy(reply));
    if (reply.shown === null) process.exitCode = 1;
  } catch (error) {
    fail('why', error, flags.debug === true);
  }
}

/** `NAME:/path` is a path in a mounted container, whatever files there are. */
async function absoluteOf(path: string, flags: WhyFlags): Promise<string> {
  if (path.startsWith('/')) return path;
  const [, name, inside] = /^([a-zA-Z0-9][\w.-]+):(\/.*)$/s.exec(path) ?? [];
  if (name === undefined || inside === undefined) return `${resolve('.')}/${path}`;
  const { resolveContainer } = await import('../../container/find.js');
  const { mountPointOf } = await import('../../container/status.js');
  const store = await openStore(flags);
  return `${mountPointOf(store, resolveContainer(store, name))}${inside}`;
}

/** First what is seen, then a line for each layer that has the name. */
export function formatWhy({ path, shown, chain }: WhyReply): string {
  const first = shown === null ? `${path}: no such name` : `${path}: ${shown.kind} from ${shown.where}`;
  const width = Math.max(0, ...chain.map((step) => step.what.length));
  return `${[first, ...chain.map((step) => stepLine(step, width))].join('\n')}\n`;
}

function stepLine({ what, path, by, note }: WhyStep, width: number): string {
  const details = [...(by === undefined ? [] : [`by ${by}`]), ...(note === undefined ? [] : [note])];
  return `  ${what.padEnd(width)}  ${path}${details.length > 0 ? ` (${details.join('; ')})` : ''}`;
}
