/** Lists and errors as the commands print them. */

import { describe, expect, it } from 'vitest';
import { formatMounts } from '../../../src/cli/commands/mounts-command.js';
import { formatWhy } from '../../../src/cli/commands/why-command.js';
import { formatTable, formatTemplate } from '../../../src/cli/print/format-table.js';
import { errorLine } from '../../../src/cli/print/output.js';
import type { ListedMount } from '../../../src/daemon/run-directory/list-mounts.js';
import { fsError } from '../../../src/errno/fs-error.js';
import { UserError } from '../../../src/errno/user-error.js';

const mount: ListedMount = {
  mountpoint: '/mnt',
  status: 'up',
  layers: ['/a', '/b'],
  upper: '/u',
  work: '/u.work',
  mounts: ['/x (bind)'],
  readOnly: false,
  engine: 'kernel',
  pid: 42,
  createdAt: '2026-11-24T00:00:00.000Z',
  id: '0123456789ab',
};

describe('formatMounts()', () => {
  it('makes a table', () => {
    expect(formatMounts([mount], { format: 'table' })).toBe(
      [
        'MOUNTPOINT   STATUS   LAYERS   UPPER   MOUNTS   PID   CREATED',
        '/mnt         up       2        /u      1        42    2026-11-24T00:00:00.000Z',
        '',
      ].join('\n'),
    );
  });

  it('makes JSON with all keys', () => {
    expect(JSON.parse(formatMounts([mount], { format: 'json' }))).toEqual({
      Mountpoint: '/mnt',
      Status: 'up',
      Layers: ['/a', '/b'],
      Upper: '/u',
      Work: '/u.work',
      Mounts: ['/x (bind)'],
      ReadOnly: false,
      Engine: 'kernel',
      Pid: 42,
      CreatedAt: '2026-11-24T00:00:00.000Z',
      Id: '0123456789ab',
    });
    expect(formatMounts([mount, mount], { format: 'json' }).trimEnd().split('\n')).toHaveLength(2);
    expect(formatMounts([], { format: 'json' })).toBe('');
  });

  it('prints mount points alone when quiet', () => {
    expect(formatMounts([mount, mount], { format: 'table', quiet: true })).toBe('/mnt\n/mnt\n');
  });
});

describe('formatTemplate()', () => {
  const rows = [{ Name: 'a', List: ['x', 'y'] }];

  it.each([
    ['{{.Name}}', 'a\n'],
    ['{{ .Name }}\\t{{.List}}', 'a\tx,y\n'],
    ['{{json .List}}', '["x","y"]\n'],
    ['{{json .}}', '{"List":["x","y"],"Name":"a"}\n'],
    ['plain', 'plain\n'],
    ['{{range .List}}<{{.}}>{{end}}', '<x><y>\n'],
    ['table {{upper .Name}}\t{{join .List ":"}}', 'NAME   LIST\nA      x:y\n'],
  ])('renders %s', (template, text) => {
    expect(formatTemplate(rows, template, ['Name', 'List'])).toBe(text);
  });

  it.each(['{{.Nope}}', '{{range .}}', '{{range .List}}{{end}}{{$.Nope}}'])('refuses %s', (template) => {
    expect(() => formatTemplate(rows, template, ['Name', 'List'])).toThrow(/^invalid format/);
  });
});

describe('formatTable()', () => {
  it('keeps a row on one line, whatever its cells hold', () => {
    const text = formatTable([{ a: 'x\ny\x1b' }], [{ title: 'A', key: 'a' }]);
    expect(text).toBe('A\nx\\ny\x1b\n');
  });
});

describe('errorLine()', () => {
  it('puts the hint behind the message', () => {
    const error = new UserError("cannot mount on '/m': busy", { hint: 'umount it' });
    expect(errorLine('mount', error, { debug: false })).toBe(
      "plyfs mount: cannot mount on '/m': busy; umount it\n",
    );
  });

  it('is one line whatever a name holds', () => {
    expect(errorLine('umount', fsError(16, 'umount', '/a\nb'), { debug: false })).toBe(
      "plyfs umount: umount '/a'$'\\n''b': device or resource busy\n",
    );
  });

  it('adds the stack for debugging', () => {
    expect(errorLine('mount', new UserError('x'), { debug: true })).toMatch(
      /^plyfs mount: x\nUserError: x\n {4}at /,
    );
  });
});

describe('formatWhy()', () => {
  it('says what shows a name and what hides it below', () => {
    const text = formatWhy({
      path: '/etc/passwd',
      shown: { kind: 'file', where: '/u/etc/passwd' },
      chain: [
        { layer: '/u', path: '/u/etc/passwd', what: 'shows' },
        { layer: '/l', path: '/l/etc/passwd', what: 'hidden', by: 'the file /u/etc/passwd' },
      ],
    });
    expect(text).toBe(
      [
        '/etc/passwd: file from /u/etc/passwd',
        '  shows   /u/etc/passwd',
        '  hidden  /l/etc/passwd (by the file /u/etc/passwd)',
        '',
      ].join('\n'),
    );
  });

  it('says by which option nothing can be written there', () => {
    const readOnly = "'/b/x' is ro through -v ./host:/b:ro";
    const text = formatWhy({
      path: '/b/x',
      shown: { kind: 'mount', where: './host:/b:ro' },
      chain: [],
      readOnly,
    });
    expect(text).toBe(
      "/b/x: mount from ./host:/b:ro\n  writing is refused (EROFS): '/b/x' is ro through -v ./host:/b:ro\n",
    );
  });

  it('says so when there is no such name', () => {
    const chain = [{ layer: '/u', path: '/u/x', what: 'whiteout' }];
    expect(formatWhy({ path: '/x', shown: null, chain })).toBe('/x: no such name\n  whiteout  /u/x\n');
  });
});
