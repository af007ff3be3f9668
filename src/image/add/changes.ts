/**
 * `--change` of import and commit: one instruction of a Dockerfile applied to an image's configuration, as docker
 * reads it (moby, daemon/builder/dockerfile: only those that change nothing but the configuration).
 */

import { readTrigger } from '../../dockerfile/dockerfile.js';
import { splitFlags } from '../../dockerfile/instruction-flags.js';
import { UserError } from '../../errno/user-error.js';
import type { RunConfig } from '../oci/oci.js';
import { healthcheckOf } from './healthcheck-instruction.js';
import { type Apply, CONFIG_INSTRUCTIONS, type ConfigDraft, variablesOf } from './instructions.js';

/** Only a Dockerfile has SHELL; the others are not the configuration's alone there. */
const { SHELL: _shell, ...SHARED } = CONFIG_INSTRUCTIONS;
const CHANGES: Readonly<Record<string, Apply>> = {
  ...SHARED,
  HEALTHCHECK: (config, text, { escape: escapeChar }) => {
    const { flags, rest } = splitFlags(text, escapeChar);
    config.Healthcheck = healthcheckOf(flags, rest);
  },
  ONBUILD: (config, trigger) => {
    readTrigger(trigger);
    config.OnBuild = [...(config.OnBuild ?? []), trigger];
  },
};

/** Docker takes them for a command of nothing. */
const MAY_BE_EMPTY = ['CMD', 'ENTRYPOINT'];

/** @throws UserError `invalid change 'TEXT': why`. */
export function applyChanges(config: RunConfig, changes: readonly string[]): RunConfig {
  const draft: ConfigDraft = { ...config };
  let isCommandSet = false;
  for (const text of changes) {
    const match = /^\s*([A-Za-z]+)(?:\s+([\s\S]*?))?\s*$/.exec(text);
    const keyword = match?.[1]?.toUpperCase() ?? '';
    const apply = CHANGES[keyword];
    const rest = match?.[2] ?? '';
    if (apply === undefined) {
      throw new UserError(`invalid change '${text}': it is none of the instructions allowed`, {
        hint: `there are ${Object.keys(CHANGES).join(', ')}`,
      });
    }
    if (rest === '' && !MAY_BE_EMPTY.includes(keyword))
      throw new UserError(`invalid change '${text}': ${keyword} wants an argument`);
    try {
      const variables = variablesOf(draft);
      apply(draft, rest, { lookup: (name) => variables.get(name), escape: '\\' });
    } catch (error) {
      if (!(error instanceof UserError)) throw error;
      throw new UserError(`invalid change '${text}': ${error.message}`, { hint: error.hint });
    }
    // A command that was inherited belongs to the entrypoint before.
    if (keyword === 'ENTRYPOINT' && !isCommandSet) delete draft.Cmd;
    if (keyword === 'CMD') isCommandSet = true;
  }
  return draft;
}
