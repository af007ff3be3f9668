/**
 * `--change` of import and commit: one instruction of a Dockerfile applied to an image's configuration, as docker
 * reads it (moby, daemon/builder/dockerfile: only those that change nothing but the configuration).
 */

import { UserError } from '../../errno/user-error.js';
import type { RunConfig } from '../oci/oci.js';
import { CONFIG_INSTRUCTIONS, type ConfigDraft, variablesOf } from './instructions.js';

/** Only a Dockerfile has it. */
const NO_CHANGE = 'SHELL';

/** @throws UserError `invalid change 'TEXT': why`. */
export function applyChanges(config: RunConfig, changes: readonly string[]): RunConfig {
  const draft: ConfigDraft = { ...config };
  let isCommandSet = false;
  for (const text of changes) {
    const match = /^\s*([A-Za-z]+)(?:\s+([\s\S]*?))?\s*$/.exec(text);
    const keyword = match?.[1]?.toUpperCase() ?? '';
    const apply = keyword === NO_CHANGE ? undefined : CONFIG_INSTRUCTIONS[keyword];
    const rest = match?.[2] ?? '';
    if (apply === undefined) {
      const known = Object.keys(CONFIG_INSTRUCTIONS)
        .filter((name) => name !== NO_CHANGE)
        .join(', ');
      throw new UserError(`invalid change '${text}': it is none of the instructions allowed`, {
        hint: `there are ${known}`,
      });
    }
    if (rest === '') throw new UserError(`invalid change '${text}': ${keyword} wants an argument`);
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
