/**
 * A template over one nested record: `{{.State.Status}}`, `{{json .Mounts}}`.
 */

import { UserError } from '../errno/user-error.js';

/** @throws UserError for a key that the record does not have, or another construct. */
export function formatRecord(record: object, template: string): string {
  const pieces = template
    .replaceAll('\\t', '\t')
    .replaceAll('\\n', '\n')
    .split(/(\{\{.*?(?:\}\}|$))/s);
  return pieces.map((piece, index) => (index % 2 === 0 ? piece : valueAt(piece, record, template))).join('');
}

function valueAt(piece: string, record: object, template: string): string {
  const match = /^\{\{\s*(json\s+)?\.((?:\w+(?:\.\w+)*)?)\s*\}\}$/.exec(piece);
  const path = match?.[2];
  if (!match || path === undefined || (path === '' && !match[1])) {
    throw new UserError(`invalid format '${template}': '${piece}' is not understood`, {
      hint: 'use {{.Key}}, {{.Key.Key}} or {{json .Key}}',
    });
  }
  let value: unknown = record;
  for (const key of path.split('.').filter((part) => part !== '')) {
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, key)) {
      const there = typeof value === 'object' && value !== null ? Object.keys(value).join(', ') : '';
      throw new UserError(`invalid format '${template}': there is no '${key}'`, {
        hint: there === '' ? 'it is no record' : `there are ${there}`,
      });
    }
    value = (value as Record<string, unknown>)[key];
  }
  if (match[1] || typeof value === 'object') return JSON.stringify(value);
  return String(value);
}
