/**
 * What `inspect` commands print: an array of records, or a template for each, with keys of keys (`{{.State.Pid}}`).
 *
 * As Docker's, they show those that were found also when others were not: `[]`, or an empty line, when none was.
 */

import { UserError } from '../../errno/user-error.js';
import type { Store } from '../../store/store.js';
import { withSortedMaps } from './free-maps.js';
import type { Finder } from './inspect-objects.js';
import { fail, jsonText, printShown } from './output.js';
import { Template } from './template/template.js';

export type InspectedRecord = Readonly<Record<string, unknown>>;

export const INSPECT_FORMAT_FLAG = '-f, --format <format>';
export const INSPECT_FORMAT_TEXT = "'json' (on one line) or a template as '{{.Name}}' or '{{json .Labels}}'";

/**
 * Without a format JSON for people, with `json` on one line.
 * @throws UserError for a template that is not understood or names what is not there; what was rendered is printed.
 */
export function printInspected(found: readonly InspectedRecord[], format = ''): void {
  const records = found.map(withSortedMaps);
  if (format === '' || format === 'json') {
    printShown(format === '' ? indentedJson(records) : jsonText(records));
    return;
  }
  const template = new Template(format, { textForm: 'as it is' });
  let text = '';
  try {
    for (const record of records) text += `${template.render(record)}\n`;
  } finally {
    printShown(text === '' ? '\n' : text);
  }
}

interface InspectRequest {
  /** The command's name, for messages. */
  readonly command: string;
  /** What is looked for, as in `no such image`. */
  readonly kind: string;
  /** In this order. */
  readonly finders: readonly Finder[];
  readonly flags: { readonly format?: string; readonly size?: boolean; readonly debug?: boolean };
}

/** Looks for each name with each of the finders, and prints what they found; a name that none knows is an error. */
export async function inspectEach(
  store: Store,
  names: readonly string[],
  { command, kind, finders, flags }: InspectRequest,
): Promise<void> {
  const found: InspectedRecord[] = [];
  const errors: unknown[] = [];
  for (const name of names) {
    try {
      found.push(await findOne(store, name, { kind, finders, sizes: flags.size === true }));
    } catch (error) {
      errors.push(error);
    }
  }
  try {
    printInspected(found, flags.format);
  } catch (error) {
    errors.unshift(error);
  }
  for (const error of errors) fail(command, error, { debug: flags.debug === true });
}

async function findOne(
  store: Store,
  name: string,
  {
    kind,
    finders,
    sizes,
  }: { readonly kind: string; readonly finders: readonly Finder[]; readonly sizes: boolean },
): Promise<InspectedRecord> {
  for (const find of finders) {
    const record = await find(store, name, { sizes });
    if (record !== undefined) return record;
  }
  throw new UserError(`no such ${kind}: '${name}'`, { hint: LIST_OF[kind] });
}

const LIST_OF: Readonly<Record<string, string>> = {
  container: "'plyfs container ls -a' shows those there are",
  image: "'plyfs image ls' shows those there are",
  volume: "'plyfs volume ls' shows those there are",
  object: 'neither a container, an image, a volume nor a mount is called so',
};

/** In Docker's indent. */
export function indentedJson(value: unknown): string {
  return `${jsonText(value, 4)}\n`;
}
