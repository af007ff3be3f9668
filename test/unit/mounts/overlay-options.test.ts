import { describe, expect, it } from 'vitest';
import { UserError } from '../../../src/errno/user-error.js';
import { parseOverlayOptions } from '../../../src/mounts/request/overlay-options.js';

function parse(...values: string[]) {
  return parseOverlayOptions(values, '/cwd');
}

describe('parseOverlayOptions()', () => {
  it('keeps the order of lowerdir, topmost first', () => {
    expect(parse('lowerdir=/top:/mid:/bottom,upperdir=/u,workdir=/w')).toEqual({
      lowerdir: ['/top', '/mid', '/bottom'],
      datadir: [],
      upperdir: '/u',
      workdir: '/w',
      flags: {},
    });
  });

  it('takes nothing for nothing', () => {
    expect(parse()).toEqual({
      lowerdir: [],
      datadir: [],
      upperdir: undefined,
      workdir: undefined,
      flags: {},
    });
    expect(parse('', ',,').lowerdir).toEqual([]);
  });

  it('undoes the escapes of commas, colons and backslashes', () => {
    expect(parse('lowerdir=/a\\:b:/c\\,d:/e\\\\f,upperdir=/u\\:v\\,w,ro')).toEqual({
      lowerdir: ['/a:b', '/c,d', '/e\\f'],
      datadir: [],
      upperdir: '/u:v,w',
      workdir: undefined,
      flags: { ro: true },
    });
  });

  it('takes what stands behind :: and in datadir+ as layers of data alone, and lowerdir+ without escapes', () => {
    expect(parse('lowerdir=/a:/b::/c\\:d::/e')).toMatchObject({
      lowerdir: ['/a', '/b'],
      datadir: ['/c:d', '/e'],
    });
    expect(parse('lowerdir+=/a:b,lowerdir+=/c\\:d,datadir+=/e\\,f')).toMatchObject({
      lowerdir: ['/a:b', '/c\\:d'],
      datadir: ['/e,f'],
    });
  });

  it('takes a colon in upperdir as it is and a backslash at the end for itself', () => {
    expect(parse('upperdir=/u:v').upperdir).toBe('/u:v');
    expect(parse('upperdir=/u\\').upperdir).toBe('/u\\');
  });

  it('resolves relative directories against the working directory', () => {
    expect(parse('lowerdir=l/A:../B,upperdir=u')).toMatchObject({
      lowerdir: ['/cwd/l/A', '/B'],
      upperdir: '/cwd/u',
    });
  });

  it('joins several -o and lets the later win', () => {
    const options = parse('lowerdir=/a,ro', 'lowerdir=/b', 'rw,nosuid');
    expect(options).toMatchObject({ lowerdir: ['/b'], flags: { ro: false, suid: false } });
  });

  it('appends with lowerdir+ and does not split there', () => {
    expect(parse('lowerdir+=/a:b,lowerdir+=/c').lowerdir).toEqual(['/a:b', '/c']);
    expect(() => parse('lowerdir=/a,lowerdir+=/c')).toThrow("cannot mix 'lowerdir' with 'lowerdir+'");
  });

  it.each([
    ['userxattr', { userxattr: true }],
    [
      'volatile,coherent,allow_other,default_permissions',
      { volatile: true, coherent: true, allow_other: true, default_permissions: true },
    ],
    [
      'redirect_dir=on,index=off,metacopy=on,xino=auto',
      { redirect_dir: 'on', index: 'off', metacopy: 'on', xino: 'auto' },
    ],
    ['nfs_export=off,noatime,dev,noexec', { nfs_export: 'off', atime: false, dev: true, exec: false }],
    ['fsname=my\\,fs', { fsname: 'my,fs' }],
    ['defaults,_netdev,x-systemd.automount,threaded=1', {}],
    ['max_idle_threads=3,clone_fd,writeback=0,X-mount.mkdir=755,user=me,debug', {}],
    ['users,exec', { exec: true, suid: false, dev: false }],
    ['owner', { suid: false, dev: false }],
    ['context="u:o:t:s0:c1,c2",fsync=volatile', { context: 'u:o:t:s0:c1,c2', fsync: 'volatile' }],
    ['squash_to_root,uidmapping=0:1:2,noacl', { squash_to_root: true, uidmapping: '0:1:2', noacl: true }],
  ])('reads the flags %s', (value, flags) => {
    expect(parse(value).flags).toEqual(flags);
  });

  it.each([
    ['context="a,b', 'its quote does not end'],
    ['bogus', "unknown mount option 'bogus'"],
    ['bogus=1', "unknown mount option 'bogus=1'"],
    ['__proto__=1', "unknown mount option '__proto__=1'"],
    ['ro=1', "invalid mount option 'ro=1': 'ro' takes no value"],
    ['index=maybe', "invalid mount option 'index=maybe': 'index' must be on, off"],
    ['index', "invalid mount option 'index': 'index' must be on, off"],
    ['nfs_export=maybe', "invalid mount option 'nfs_export=maybe': 'nfs_export' must be on, off"],
    ['lowerdir=', "invalid mount option 'lowerdir=': no directory is given"],
    ['upperdir', "invalid mount option 'upperdir': no directory is given"],
    ['lowerdir=/a::', "invalid mount option 'lowerdir=/a::': a directory is empty"],
    ['lowerdir=/a:::/b', "invalid mount option 'lowerdir=/a:::/b': a directory is empty"],
    ['lowerdir=/a::/b:/c', 'a layer cannot follow a layer of data alone'],
    ['datadir+=/a', "'datadir+' needs a layer above it"],
    ['lowerdir=/a,datadir+=/b', "cannot mix 'lowerdir' with"],
    ['lowerdir=/a:', "invalid mount option 'lowerdir=/a:': a directory is empty"],
    ['upperdir=/a\0', 'holds a NUL byte'],
  ])('refuses %j', (value, message) => {
    expect(() => parse(value)).toThrow(UserError);
    expect(() => parse(value)).toThrow(message);
  });
});
