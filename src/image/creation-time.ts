/**
 * When an image says that it was made: now, or SOURCE_DATE_EPOCH (reproducible-builds.org), with which the same input
 * gives the same image, its id included.
 */

import { UserError } from '../errno/user-error.js';

/** @throws UserError for a SOURCE_DATE_EPOCH that is no number of seconds. */
export function creationTime(env: NodeJS.ProcessEnv = process.env): Date {
  const text = env.SOURCE_DATE_EPOCH;
  if (text === undefined || text === '') return new Date();
  if (!/^[0-9]{1,11}$/.test(text)) {
    throw new UserError(`invalid SOURCE_DATE_EPOCH: '${text}' is no number of seconds since 1970`);
  }
  return new Date(Number(text) * 1000);
}
