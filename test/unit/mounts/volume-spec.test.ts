import { describe, expect, it } from 'vitest';
import { UserError } from '../../../src/errno/user-error.js';
import type { MountRequest } from '../../../src/mounts/request/types.js';
import { parseVolumeSpec } from '../../../src/mounts/request/volume-spec.js';

const context = { cwd: '/work/dir' };

function parse(raw: string): MountRequest {
  return parseVolumeSpec(raw, context);
}

describe('parseVolumeSpec()', () => {
  it('takes one part as the target of an anonymous volume', () => {
    expect(parse('/data')).toEqual({
      type: 'volume',
      source: undefined,
      target: '/data',
      readOnly: false,
      noCopy: false,
      labels: {},
      driverOptions: {},
      spec: '/data',
      origin: 'v',
      notices: [],
    });
  });

  it('takes an absolute source as a bind', () => {
    expect(parse('/host//a/../b/:/data/:ro')).toEqual({
      type: 'bind',
      source: '/host/b',
      target: '/data',
      readOnly: true,
      createSource: false,
      recursive: 'enabled',
      spec: '/host//a/../b/:/data/:ro',
      origin: 'v',
      notices: [],
    });
  });

  it.each([
    ['.:/x', '/work/dir'],
    ['./sub:/x', '/work/dir/sub'],
    ['../up:/x', '/work/up'],
    ['.hidden:/x', '/work/dir/.hidden'],
    ['/:/x', '/'],
  ])('resolves the source of %s against the working directory', (raw, source) => {
    expect(parse(raw)).toMatchObject({ type: 'bind', source });
  });

  it.each(['name', 'a1', 'A_b.c-d', '0x'])('takes %s as a volume name', (name) => {
    expect(parse(`${name}:/x`)).toMatchObject({ type: 'volume', source: name, target: '/x' });
  });

  it.each([
    ['a1:/x:ro', { readOnly: true }],
    ['a1:/x:rw', { readOnly: false }],
    ['a1:/x:', { readOnly: false }],
    ['a1:/x:nocopy', { noCopy: true }],
    ['a1:/x:ro,nocopy,z', { readOnly: true, noCopy: true }],
    ['/h:/x:ro,Z,rshared,cached', { readOnly: true }],
    ['/h:/x:squash=1000:100', { owners: { squash: { uid: 1000, gid: 100 } } }],
    ['/h:/x:remote,timeout=5s', { remote: true, timeoutMs: 5000 }],
    ['/h:/x:remote=false', { remote: false }],
    [
      '/h:/x:ro,uidmap=0:1000:1;1:2000:9,gidmap=0:100:1,gidmap=1:101:2',
      {
        readOnly: true,
        owners: {
          uidmap: [
            { container: 0, host: 1000, length: 1 },
            { container: 1, host: 2000, length: 9 },
          ],
          gidmap: [
            { container: 0, host: 100, length: 1 },
            { container: 1, host: 101, length: 2 },
          ],
        },
      },
    ],
  ])('reads the modes of %s', (raw, expected) => {
    expect(parse(raw)).toMatchObject(expected);
  });

  it('takes merge for cow over what lies below, or for neither where it is read-only', () => {
    expect(parse('/a:/x:merge')).toMatchObject({ type: 'bind', cow: true, merge: true, readOnly: false });
    expect(parse('/a:/x:ro,merge')).toMatchObject({ type: 'bind', merge: true, readOnly: true });
    expect(parse('/a:/x:ro,merge')).not.toHaveProperty('cow');
    expect(() => parse('/a:/x:merge,squash=0:0')).toThrow("cannot mix 'merge' with");
    expect(() => parse('a1:/x:merge')).toThrow('merge is for binds');
    expect(() => parse('/a:/x:merge,merge')).toThrow('invalid mode: merge,merge');
  });

  it('takes what is excluded below the target, of binds alone', () => {
    expect(parse('/a:/x:ro,exclude=b/./c/,exclude=**/d')).toMatchObject({ exclude: ['b/c', '**/d'] });
    for (const wrong of ['', '/b', '../b', 'b/..', '.'])
      expect(() => parse(`/a:/x:exclude=${wrong}`)).toThrow(
        `'${wrong}' must be a path or glob below the target`,
      );
    expect(() => parse('a1:/x:exclude=b')).toThrow('exclude is for binds');
  });

  it('says what SELinux, propagation and consistency modes do not do, once for each class', () => {
    const { notices } = parse('/h:/x:z,rslave,delegated');
    expect(notices.map((notice) => notice.split(' ')[0])).toEqual(['SELinux', 'mount', 'consistency']);
  });

  it.each([
    '',
    ':',
    ':/x',
    '/x:ro',
    '/x:',
    '/x:nocopy',
    '/x:ro,z',
    'a1:/x:ro:z',
    '/a:/b:/c:/d',
    'a1:/x:b:c=d',
  ])('refuses %j as a whole', (raw) => {
    expect(() => parse(raw)).toThrow(
      expect.objectContaining({
        name: 'UserError',
        message: `invalid volume specification: '${raw}'`,
        hint: expect.stringContaining('TARGET'),
      }),
    );
  });

  it.each([
    ['a1:/x:foo', 'invalid mode: foo'],
    ['a1:/x:ro,rw', 'invalid mode: ro,rw'],
    ['a1:/x:ro,ro', 'invalid mode: ro,ro'],
    ['a1:/x:z,Z', 'invalid mode: z,Z'],
    ['/h:/x:shared,slave', 'invalid mode: shared,slave'],
    ['/h:/x:cached,delegated', 'invalid mode: cached,delegated'],
    ['a1:/x:nocopy,nocopy', 'invalid mode: nocopy,nocopy'],
    ['a1:/x:ro,', 'invalid mode: ro,'],
    ['a1:/x:RO', 'invalid mode: RO'],
    ['a1:/x:size=5', 'invalid mode: size=5'],
    ['C:\\d:/x', 'invalid mode: /x'],
    [
      'data',
      'invalid mount config for type "volume": invalid mount path: \'data\' mount path must be absolute',
    ],
    ['a1:x', 'invalid mount config for type "volume": invalid mount path: \'x\' mount path must be absolute'],
    ['/h:x', 'invalid mount config for type "bind": invalid mount path: \'x\' mount path must be absolute'],
    ['/h:/', "invalid mount config for type \"bind\": invalid specification: destination can't be '/'"],
    ['/', "invalid mount config for type \"volume\": invalid specification: destination can't be '/'"],
    ['a1:/x/..', "invalid mount config for type \"volume\": invalid specification: destination can't be '/'"],
    ['a1::ro', 'invalid mount config for type "volume": field Target must not be empty'],
    ['/h:/x:nocopy', 'invalid mount config for type "bind": field VolumeOptions must not be specified'],
    ['a1:/x:rshared', 'invalid mount config for type "volume": field BindOptions must not be specified'],
    ['a:/x', 'volume name is too short'],
    [
      'a/b:/x',
      '"a/b" includes invalid characters for a local volume name, only "[a-zA-Z0-9][a-zA-Z0-9_.-]" are allowed',
    ],
    ['-a:/x', '"-a" includes invalid characters'],
    ['é1:/x', '"é1" includes invalid characters'],
    ['~/a:/x', '"~/a" is neither an absolute path nor a volume name'],
    ['/h:/x:uidmap=1:2', "invalid value for 'uidmap': '1:2' must be CONTAINER:HOST:LENGTH"],
    ['/h:/x:uidmap=0:0:0', "invalid value for 'uidmap': '0:0:0' must hold from 1"],
    ['/h:/x:uidmap=0:0:9;8:20:1', "invalid value for 'uidmap': container id 8 is mapped twice"],
    ['/h:/x:gidmap=0:5:2;9:6:1', "invalid value for 'gidmap': host id 6 is mapped twice"],
    ['/h:/x:gidmap=4294967294:0:2', "invalid value for 'gidmap'"],
    ['/h:/x:squash=1', "invalid value for 'squash': '1' must be UID:GID"],
    ['/h:/x:squash=0:0,uidmap=0:1:1', "cannot mix 'squash' with 'uidmap' or 'gidmap'"],
    ['/h:/x:timeout=0', "invalid value for 'timeout': '0'"],
    ['/h:/x:timeout=5h', "invalid value for 'timeout': '5h'"],
    ['/h:/x:timeout', "invalid field 'timeout' must be a key=value pair"],
    ['/h:/x:remote=maybe', "invalid value for 'remote': invalid boolean value"],
    ['/h:/x\0', 'holds a NUL byte'],
    [`/${'n'.repeat(256)}`, 'has a name longer than 255 bytes'],
  ])('refuses %j and names the whole specification', (raw, reason) => {
    const shown = raw.replace('\0', () => "'$'\\000''");
    expect(() => parse(raw)).toThrow(UserError);
    expect(() => parse(raw)).toThrow(`invalid volume specification: '${shown}': `);
    expect(() => parse(raw)).toThrow(reason);
  });

  it('gives a hint for a directory mistaken for a volume name', () => {
    expect(() => parse('a/b:/x')).toThrow(expect.objectContaining({ hint: expect.stringContaining('./') }));
    expect(() => parse('~/b:/x')).toThrow(
      expect.objectContaining({ hint: expect.stringContaining('$HOME') }),
    );
  });

  it('keeps an error on one line, whatever the input holds', () => {
    expect(() => parse('a\n\x1b[2Jb:/x')).toThrow("a'$'\\n\\033''[2Jb");
  });
});
