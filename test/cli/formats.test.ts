/** The keys and types of `--format json`, as src/cli/FORMATS.md promises them, and what each template may name. */

import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { addImage } from '../helpers/images.js';
import { ContainerBench } from './container/bench.js';

/** Section title -> key -> type. */
const documented = readTables(readFileSync(join(import.meta.dirname, '../../src/cli/FORMATS.md'), 'utf8'));

let bench: ContainerBench;
beforeAll(() => {
  bench = new ContainerBench('l1', 'up', 'mnt', 'host');
  bench.addImages();
  const fill = (directory: string) => writeFileSync(join(directory, 'same'), 'x'.repeat(5000));
  addImage(bench.store.root, { name: 'twice:latest' }, [fill, fill]);
  const mounts = ['-v', 'named:/named', '-v', `${bench.root}/host:/b:squash=0:0,timeout=5s`];
  const longer = [
    '--mount',
    'type=image,src=box,dst=/image,image-subpath=etc',
    '--tmpfs',
    '/t:size=1m,mode=700',
  ];
  bench.get('run', '--name', 'one', '-l', 'tier=web', ...mounts, ...longer, 'data', 'touch', '/new');
  bench.get('snapshot', 'create', 'one', 'first');
  bench.get('try', '-q', '--name', 'trial', '-C', `${bench.root}/host`, 'true');
  bench.plyfs('mount', '-l', 'l1', '--upper', 'up', '--root', bench.store.root, '-v', 'named:/x', 'mnt');
});
afterAll(() => {
  bench.plyfs('umount', 'mnt');
  bench.dispose();
});

const volumes = () => bench.get('volume', 'ls', '-q').split('\n');

const COMMANDS: readonly [section: string, command: () => string[]][] = [
  ['plyfs container ls, plyfs ps', () => ['ps', '-a', '--format', 'json']],
  ['plyfs container inspect', () => ['container', 'inspect', 'one']],
  ['plyfs container diff, plyfs diff', () => ['diff', '--format', 'json', 'one']],
  ['plyfs drafts', () => ['drafts', '--format', 'json']],
  ['plyfs snapshot ls', () => ['snapshot', 'ls', '--format', 'json', 'one']],
  ['plyfs image ls, plyfs images', () => ['images', '--format', 'json']],
  ['plyfs image history', () => ['image', 'history', '--format', 'json', 'box']],
  ['plyfs image find', () => ['image', 'find', '--format', 'json', 'data']],
  ['plyfs image waste', () => ['image', 'waste', '--format', 'json', 'twice']],
  ['plyfs image diff', () => ['image', 'diff', '--format', 'json', 'box', 'data']],
  ['plyfs image inspect', () => ['image', 'inspect', 'box']],
  ['plyfs events', () => ['events', '--since', '1h', '--until', '0s', '--format', 'json']],
  ['plyfs volume ls', () => ['volume', 'ls', '--format', 'json']],
  ['plyfs volume inspect', () => ['volume', 'inspect', ...volumes()]],
  ['plyfs system info (one record)', () => ['system', 'info', '--format', 'json']],
  ['plyfs system df', () => ['system', 'df', '--format', 'json']],
  ['plyfs system df -v', () => ['system', 'df', '-v', '--format', 'json']],
];

/** Those that know no --root. */
const OTHERS: readonly [section: string, command: string[]][] = [
  ['plyfs mounts', ['mounts', '--format', 'json']],
  ['plyfs daemon status', ['daemon', 'status', '--format', 'json']],
  ['plyfs inspect MOUNTPOINT (one record)', ['inspect', 'mnt']],
  ['plyfs why (one record)', ['why', '--user', '33', '--format', 'json', 'mnt']],
  ['plyfs top', ['top', '--no-stream', '--interval', '0.1', '--format', 'json']],
  ['plyfs doctor', ['doctor', '--format', 'json']],
];

describe('--format json', () => {
  test.each(COMMANDS)('%s', (section, command) => {
    compare(section, recordsOf(bench.get(...command())));
  });

  test.each(OTHERS)('%s', (section, command) => {
    compare(section, recordsOf(bench.plyfs(...command).stdout));
  });

  test('nothing else is documented', () => {
    const tried = [...COMMANDS, ...OTHERS].map(([section]) => section);
    expect([...documented.keys()].sort()).toEqual(tried.sort());
  });

  test.each([
    ['ps -a', ['ps', '-a'], 'plyfs container ls, plyfs ps'],
    ['images', ['images'], 'plyfs image ls, plyfs images'],
    ['image history', ['image', 'history', 'box'], 'plyfs image history'],
    ['drafts', ['drafts'], 'plyfs drafts'],
    ['image find', ['image', 'find', 'data'], 'plyfs image find'],
    ['image waste', ['image', 'waste', 'twice'], 'plyfs image waste'],
    ['volume ls', ['volume', 'ls'], 'plyfs volume ls'],
    ['system df', ['system', 'df'], 'plyfs system df'],
  ])('a template of %s knows the same keys', (_, command, section) => {
    const keys = [...(documented.get(section)?.keys() ?? [])];
    const template = keys.map((key) => `{{.${key}}}`).join('|');
    const [line = ''] = bench.get(...command, '--format', template).split('\n');
    expect(line.split('|').length).toBeGreaterThanOrEqual(keys.length);
  });

  test('a table of a template has titles, and labels are found', () => {
    const template = 'table {{.Names}}\\t{{.Label "tier"}}\\t{{.State}}';
    expect(bench.get('ps', '-a', '--format', template)).toBe('NAMES   tier   STATE\none     web    exited');
    expect(bench.get('container', 'inspect', '-f', '{{index .Config.Labels "tier"}}', 'one')).toBe('web');
  });
});

/** Without what says that it may be absent or null. */
function plain(type: string | undefined): string {
  return (type ?? '').replace(/[?]$|\\\|null$/, '');
}

/** The records of an array, of one record, or of a record a line. */
function recordsOf(text: string): unknown {
  const lines = text.trimEnd().split('\n');
  return lines.every((line) => line.startsWith('{') && line.endsWith('}'))
    ? lines.map((line) => JSON.parse(line) as unknown)
    : (JSON.parse(text) as unknown);
}

/** All records of the output together have the documented keys, and no other. */
function compare(section: string, output: unknown): void {
  const table = documented.get(section) ?? new Map<string, string>();
  const records = Array.isArray(output) ? (output as unknown[]) : [output];
  if (section.endsWith('(one record)')) expect(records).toHaveLength(1);
  expect(records.length).toBeGreaterThan(0);
  const seen = new Map<string, string>();
  for (const record of records) note(record, '', table, seen);
  const problems = [...seen].filter(([key, type]) => plain(table.get(key)) !== type);
  expect(problems).toEqual([]);
  const missing = [...table].filter(([key, type]) => !/[?]$|null$/.test(type) && !seen.has(key));
  expect(missing).toEqual([]);
}

/** Adds the paths of all values below, with their types, as the tables write them. */
function note(
  value: unknown,
  path: string,
  table: ReadonlyMap<string, string>,
  seen: Map<string, string>,
): void {
  const type = plain(table.get(path));
  if (type === 'map' || type === 'list') {
    seen.set(path, Array.isArray(value) ? 'list' : 'map');
  } else if (Array.isArray(value)) {
    const items = value as unknown[];
    if (items.every((item) => typeof item === 'string') && type !== '') seen.set(path, 'string[]');
    else for (const item of items) note(item, `${path}[]`, table, seen);
  } else if (typeof value === 'object' && value !== null) {
    for (const [key, below] of Object.entries(value))
      note(below, path === '' ? key : `${path}.${key}`, table, seen);
  } else if (value !== null) {
    seen.set(path, typeof value);
  }
}

function readTables(text: string): Map<string, Map<string, string>> {
  const sections = text.split(/^## /m).slice(1);
  return new Map(
    sections.map((section) => {
      const [title = '', ...lines] = section.split('\n');
      const cells = lines.map((line) => line.split(/(?<!\\)\|/).map((cell) => cell.trim()));
      const rows = cells.filter(([, key, type]) => key && type && key !== 'key' && !key.startsWith('---'));
      return [title, new Map(rows.map(([, key = '', type = '']) => [key, type]))];
    }),
  );
}
