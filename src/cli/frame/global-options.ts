/**
 * Options before the command, which hold for whatever it is: `plyfs --root DIR volume ls`.
 *
 * Those of Docker are taken where they ask for what is so anyway; what would speak to a daemon elsewhere is refused.
 */

import type { Command } from 'commander';
import { DEBUG_FLAG } from './common-options.js';
import { ROOT_FLAG, ROOT_TEXT } from './store-command.js';

interface GlobalFlags {
  readonly root?: string;
  readonly debug?: boolean;
  readonly config?: string;
  readonly host?: string;
  readonly context?: string;
  readonly tls?: boolean;
  readonly tlsverify?: boolean;
}

/** Flags whose value is the next word, where it is not behind `=`. */
const WITH_VALUE = new Set([
  '--root',
  '--config',
  '--log-level',
  '-l',
  '--host',
  '-H',
  '--context',
  '-c',
  '--tlscacert',
  '--tlscert',
  '--tlskey',
]);

/** The command in the arguments of `plyfs`, behind the options before it. */
export function commandName(argv: readonly string[]): string | undefined {
  for (let at = 0; at < argv.length; at++) {
    const word = argv[at] ?? '';
    if (WITH_VALUE.has(word)) at++;
    else if (!word.startsWith('-')) return word;
  }
  return undefined;
}

export function addGlobalOptions(program: Command): Command {
  return program
    .option(ROOT_FLAG, ROOT_TEXT)
    .option(`-D, ${DEBUG_FLAG}`, 'stack traces with errors')
    .option('-l, --log-level <level>', 'taken for the sake of scripts; changes nothing')
    .option('--config <dir>', "where Docker's config.json with the registries' passwords is (DOCKER_CONFIG)")
    .option('-H, --host <address>', 'refused: plyfs has no daemon elsewhere to speak to')
    .option('-c, --context <name>', "refused, but for 'default'")
    .option('--tls', 'refused, as --host')
    .option('--tlsverify', 'refused, as --host')
    .hook('preAction', (_, command) => handDown(program, command));
}

/** Gives the command what was said before it, unless it was said behind it too. */
function handDown(program: Command, command: Command): void {
  const flags = program.opts<GlobalFlags>();
  for (const key of ['root', 'debug'] as const) {
    const value = flags[key];
    if (value !== undefined && command.getOptionValue(key) === undefined) {
      command.setOptionValueWithSource(key, value, 'cli');
    }
  }
  if (flags.config !== undefined) process.env.DOCKER_CONFIG = flags.config;
  const refused = refusedFlag(flags);
  if (refused !== undefined) {
    program.error(`${refused} cannot be had: plyfs has no daemon elsewhere to speak to`);
  }
}

function refusedFlag({ host, context, tls, tlsverify }: GlobalFlags): string | undefined {
  if (host !== undefined && !host.startsWith('unix://')) return `--host '${host}'`;
  if (context !== undefined && context !== 'default') return `--context '${context}'`;
  if (tls) return '--tls';
  return tlsverify ? '--tlsverify' : undefined;
}
