/**
 * When an image says that it was made: now, or SOURCE_DATE_EPOCH (reproducible-builds.org), with which the same input
 * gives the same image, its id included.
 */

import { UserError } from '../../errno/user-error.js';

/** @throws UserError for a SOURCE_DATE_EPOCH that is no number of seconds. */
export function creationTime(env: NodeJS.ProcessEnv = process.env): Date {
  const seconds = sourceDateEpoch(env.SOURCE_DATE_EPOCH);
  return seconds === undefined ? new Date() : new Date(seconds * 1000);
}

/** @returns seconds since 1970; undefined when the variable is not set, or empty. @throws UserError */
export function sourceDateEpoch(text: string | undefined): number | undefined {
  if (text === undefined || text === '') return undefined;
  if (/^[0-9]{1,11}$/.test(text)) return Number(text);
  throw new UserError(`invalid SOURCE_DATE_EPOCH: '${text}' is no number of seconds since 1970`);
}
