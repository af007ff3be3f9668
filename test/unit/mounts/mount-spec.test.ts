import { describe, expect, it } from 'vitest';
import { UserError } from '../../../src/errno/user-error.js';
import { parseMountSpec } from '../../../src/mounts/request/mount-spec.js';
import type { MountRequest } from '../../../src/mounts/request/types.js';

const context = { cwd: '/work/dir' };

function parse(raw: string): MountRequest {
  return parseMountSpec(raw, context);
}

describe('parseMountSpec()', () => {
  it('makes a volume without a type', () => {
    expect(parse('source=data,target=/x')).toEqual({
      type: 'volume',
      source: 'data',
      target: '/x',
      readOnly: false,
      noCopy: false,
      labels: {},
      driverOptions: {},
      spec: 'source=data,target=/x',
      origin: 'mount',
      notices: [],
    });
  });

  it.each([
    ['dst=/x', { type: 'volume', source: undefined, target: '/x' }],
    ['type=bind,src=/h/,destination=/x/', { type: 'bind', source: '/h', target: '/x', createSource: false }],
    ['TYPE=Bind,Src=./h,DST=/x,RO', { type: 'bind', source: '/work/dir/h', readOnly: true }],
    ['type=bind,src=.,dst=/x', { source: '/work/dir' }],
    ['type=bind,src=../h,dst=/x', { source: '/work/h' }],
    [' type=bind,src=/h,dst=/x ', { type: 'bind', target: '/x' }],
    ['dst=/a,dst=/b', { target: '/b' }],
    ['src=data,dst=/x,readonly', { readOnly: true }],
    ['src=data,dst=/x,ro=1', { readOnly: true }],
    ['src=data,dst=/x,readonly=false', { readOnly: false }],
    ['type=bind,src=/h,dst=/x,bind-create-src', { createSource: true }],
    ['type=bind,src=/h,dst=/x,bind-create-src=0', { createSource: false }],
    ['type=bind,src=/h,dst=/x,bind-recursive=disabled', { recursive: 'disabled' }],
    ['type=bind,src=/h,dst=/x,ro,bind-recursive=writable', { recursive: 'writable' }],
    ['type=bind,src=/h,dst=/x,ro,bind-recursive=readonly', { recursive: 'readonly' }],
    ['src=data,dst=/x,volume-nocopy', { noCopy: true }],
    ['src=data,dst=/x,volume-nocopy=false', { noCopy: false }],
    ['src=data,dst=/x,volume-subpath=a/../b/c', { subpath: 'b/c' }],
    ['dst=/x,volume-label=a=1,volume-label=b', { labels: { a: '1', b: '' } }],
    ['dst=/x,volume-driver=local,volume-opt=type=nfs', { driver: 'local', driverOptions: { type: 'nfs' } }],
    ['dst=/x,"volume-opt=o=addr=1.2.3.4,rw"', { driverOptions: { o: 'addr=1.2.3.4,rw' } }],
    ['type=bind,"src=/a ""b"",c",dst=/x', { source: '/a "b",c' }],
    ['type=image,src=alpine:3,dst=/x', { type: 'image', source: 'alpine:3', readOnly: true }],
    ['type=image,src=alpine,dst=/x,image-subpath=etc', { subpath: 'etc' }],
    ['type=tmpfs,dst=/x', { type: 'tmpfs', source: undefined }],
    ['type=tmpfs,dst=/x,tmpfs-size=64m,tmpfs-mode=1770', { sizeBytes: 64 * 1024 ** 2, mode: 0o1770 }],
    ['type=bind,src=/h,dst=/x,squash=0:0,timeout=250ms,remote', { timeoutMs: 250, remote: true }],
    ['type=tmpfs,dst=/x,uidmap=0:1000:1', { owners: { uidmap: [{ container: 0, host: 1000, length: 1 }] } }],
  ])('reads %s', (raw, expected) => {
    expect(parse(raw)).toMatchObject(expected);
  });

  it('takes size 0 of a tmpfs as no limit', () => {
    expect(parse('type=tmpfs,dst=/x,tmpfs-size=0')).not.toHaveProperty('sizeBytes');
  });

  it('keeps a label named __proto__ as a label', () => {
    const request = parse('dst=/x,volume-label=__proto__=1');
    expect(request.type === 'volume' && Object.entries(request.labels)).toEqual([['__proto__', '1']]);
  });

  it('says what propagation and consistency do not do', () => {
    const { notices } = parse('type=bind,src=/h,dst=/x,bind-propagation=rslave,consistency=cached');
    expect(notices).toHaveLength(2);
  });

  it.each([
    ['', 'value is empty'],
    ['   ', 'value is empty'],
    ['dst=/x,bogus=1', "unknown option 'bogus' in 'bogus=1'"],
    ['dst=/x,Bogus=1', "unknown option 'bogus' in 'Bogus=1'"],
    ['dst=/x,bogus', "invalid field 'bogus' must be a key=value pair"],
    ['dst=/x,', "invalid field '' must be a key=value pair"],
    ['dst=/x,src', "invalid field 'src' must be a key=value pair"],
    ['dst=/x,uidmap', "invalid field 'uidmap' must be a key=value pair"],
    ['dst=', "invalid value for 'dst': value is empty"],
    ['type=,dst=/x', "invalid value for 'type': value is empty"],
    ['dst=/x, ro', "invalid option 'ro' in ' ro': option should not have whitespace"],
    ['dst=/x,src= a', "invalid value for 'src' in 'src= a': value should not have whitespace"],
    ['dst=/x,ro=yes', 'invalid value for \'ro\': invalid boolean value ("yes")'],
    ['dst=/x,volume-nocopy=2', "invalid value for 'volume-nocopy': invalid boolean value"],
    ['type=bind,src=/h,dst=/x,volume-nocopy', "cannot mix 'volume-*' options with mount type 'bind'"],
    ['src=a1,dst=/x,bind-create-src', "cannot mix 'bind-*' options with mount type 'volume'"],
    ['type=bind,src=/h,dst=/x,tmpfs-size=1m', "cannot mix 'tmpfs-*' options with mount type 'bind'"],
    ['dst=/x,image-subpath=a', "cannot mix 'image-*' options with mount type 'volume'"],
    ['type=npipe,dst=/x,volume-nocopy', "cannot mix 'volume-*' options with mount type 'npipe'"],
    [
      'type=bind,src=/h,dst=/x,bind-nonrecursive',
      'bind-nonrecursive is deprecated, use bind-recursive=disabled',
    ],
    [
      'type=bind,src=/h,dst=/x,bind-recursive=maybe',
      'invalid value for bind-recursive: maybe (must be "enabled"',
    ],
    ['type=bind,src=/h,dst=/x,bind-recursive=readonly', "requires 'readonly' to be specified in conjunction"],
    ['type=bind,src=/h,dst=/x,bind-recursive=writable', "requires 'readonly' to be specified in conjunction"],
    [
      'type=bind,src=/h,dst=/x,ro,bind-recursive=readonly,bind-propagation=shared',
      "requires 'bind-propagation=rprivate' to be specified in conjunction",
    ],
    ['type=tmpfs,dst=/x,tmpfs-size=lots', 'invalid value for tmpfs-size: lots'],
    ['type=tmpfs,dst=/x,tmpfs-mode=999', 'invalid value for tmpfs-mode: 999'],
    ['type=tmpfs,dst=/x,tmpfs-mode=10000', 'invalid value for tmpfs-mode: 10000'],
    ['dst=/x,consistency=often', 'invalid value for consistency: often'],
    ['dst=/x,volume-label==1', "invalid value for 'volume-label': '=1' has no name"],
    ['dst=/x,timeout=soon', "invalid value for 'timeout': 'soon'"],
    ['dst=/x,a"b', 'parse error on line 1, column 9: bare " in non-quoted field'],
    ['dst=/x,"a', 'parse error on line 1, column 10: extraneous or missing " in quoted-field'],
    ['dst=/x,"a"b', 'parse error on line 1, column 10: extraneous or missing " in quoted-field'],
    ['dst=/x\nro', 'parse error on line 1, column 7: line break'],
  ])('refuses the grammar of %j and names the whole value', (raw, reason) => {
    expect(() => parse(raw)).toThrow(UserError);
    expect(() => parse(raw)).toThrow(
      `invalid argument "${raw.replace('\n', () => "'$'\\n''")}" for "--mount" flag: `,
    );
    expect(() => parse(raw)).toThrow(reason);
  });

  it.each([
    ['type=bind,src=/h', 'invalid mount config for type "bind": field Target must not be empty'],
    [
      'type=bind,src=/h,dst=/',
      "invalid mount config for type \"bind\": invalid specification: destination can't be '/'",
    ],
    ['type=bind,src=/h,dst=x', "invalid mount path: 'x' mount path must be absolute"],
    ['type=bind,dst=/x', 'invalid mount config for type "bind": field Source must not be empty'],
    [
      'type=bind,src=h,dst=/x',
      'invalid mount config for type "bind": invalid mount path: \'h\' mount path must be absolute',
    ],
    [
      'type=bind,src=/h,dst=/x,bind-propagation=far',
      'invalid mount config for type "bind": invalid propagation mode: far',
    ],
    ['type=image,dst=/x', 'invalid mount config for type "image": field Source must not be empty'],
    ['type=image,src=i,dst=/x,ro=0', 'an image mount is always read-only'],
    ['type=image,src=i,dst=/x,image-subpath=/etc', 'subpath must be a relative path within the image'],
    ['type=tmpfs,src=a,dst=/x', 'invalid mount config for type "tmpfs": field Source must not be specified'],
    ['type=tmpfs,dst=/x,remote', "cannot mix option 'remote' with mount type 'tmpfs'"],
    ['type=npipe,dst=/x', 'invalid mount config for type "npipe": mount type unknown'],
    ['dst=/x,ro', 'must not set ReadOnly mode when using anonymous volumes'],
    ['dst=/x,volume-subpath=a', 'must not set Subpath when using anonymous volumes'],
    ['src=a1,dst=/x,volume-subpath=../b', 'subpath must be a relative path within the volume'],
    ['src=a1,dst=/x,volume-subpath=a/../..', 'subpath must be a relative path within the volume'],
    ['src=/h,dst=/x', '"/h" includes invalid characters for a local volume name'],
    ['dst=/x,squash=0:0,gidmap=0:0:1', "cannot mix 'squash' with 'uidmap' or 'gidmap'"],
  ])('refuses the meaning of %j', (raw, reason) => {
    expect(() => parse(raw)).toThrow(UserError);
    expect(() => parse(raw)).toThrow(reason);
  });
});
