/** What a tool answers: its record, or an error with a code that a program can tell from others. */

import type { CallToolResult } from '@modelcontextprotocol/server';
import { ApplyRefused } from '../draft/choose-without-asking.js';
import { codeOf } from '../errno/error-code.js';
import { FsError } from '../errno/fs-error.js';
import { messageOf } from '../errno/reason.js';
import { UserError } from '../errno/user-error.js';

/** The record as `structuredContent`, and the same as text for hosts that know no other. */
function toolResult(record: Record<string, unknown>): CallToolResult {
  return { content: [{ type: 'text', text: JSON.stringify(record) }], structuredContent: record };
}

/** Carries a tool out. What a user can cause is an error of the tool, not of the protocol. */
export async function answered(
  carryOut: () => Promise<Record<string, unknown>> | Record<string, unknown>,
): Promise<CallToolResult> {
  try {
    return toolResult(await carryOut());
  } catch (error) {
    if (!(error instanceof UserError) && !(error instanceof FsError)) throw error;
    return { ...toolResult({ error: errorRecord(error) }), isError: true };
  }
}

function errorRecord(error: UserError | FsError): Record<string, unknown> {
  const hint = error instanceof UserError ? error.hint : undefined;
  return {
    code: codeOf(error) ?? 'ERR_REFUSED',
    message: messageOf(error),
    ...(hint === undefined ? {} : { hint }),
    ...(error instanceof ApplyRefused ? refusalRecord(error) : {}),
  };
}

function refusalRecord({ refusal }: ApplyRefused): Record<string, unknown> {
  const { allow, changes, conflicts } = refusal;
  return { allow, conflicts, changes: changes.map(({ kind, path, marks }) => ({ kind, path, marks })) };
}
