/** The judgement and the forms of `plyfs doctor`, on facts of hosts that this machine is not. */

import { describe, expect, it } from 'vitest';
import type { Facts } from '../../../src/cli/doctor/facts.js';
import { doctorExitCode } from '../../../src/cli/doctor/finding.js';
import { formatFindings } from '../../../src/cli/doctor/format-findings.js';
import { judgeFacts } from '../../../src/cli/doctor/judge.js';

const healthy: Facts = {
  kernelRelease: '6.18.1-generic',
  privileges: { uid: 0, sysAdmin: true, initialUserNamespace: true, noNewPrivs: false },
  fuseDevice: { path: '/dev/fuse', error: undefined },
  fusermount: { path: '/usr/bin/fusermount3', setuid: true },
  userAllowOther: true,
  fuseInit: { major: 7, minor: 45, passthrough: true, ioUring: false, resend: true },
  kernelConfig: undefined,
  uringEnabled: false,
  koffi: { found: true, detail: '3.3.4, linux-x64' },
  fuseNative: { found: true, detail: '2.2.6, linux-x64' },
  overlayMounts: true,
  overlayListed: true,
  openFiles: { soft: 1024, hard: 524_288 },
  awake: { setting: undefined, cpus: 2, hasQuota: false },
  mounts: [{ mountpoint: '/m', endsBecause: undefined }],
  xattr: { directory: '/var/lib', trusted: true, user: true },
};

const user: Facts['privileges'] = {
  uid: 1000,
  sysAdmin: false,
  initialUserNamespace: true,
  noNewPrivs: false,
};

function found(facts: Partial<Facts>, name: string): { ok: string; detail: string; cost: string } {
  const finding = judgeFacts({ ...healthy, ...facts }).find((one) => one.name === name);
  if (finding === undefined) throw new Error(`no finding '${name}'`);
  return finding;
}

describe('judgeFacts()', () => {
  it('finds nothing wrong with a host that has everything', () => {
    expect(judgeFacts(healthy).filter((one) => one.ok !== 'ok')).toEqual([]);
    expect(doctorExitCode(judgeFacts(healthy))).toBe(0);
  });

  it('names a cost for each thing that is not ok', () => {
    const bare: Facts = {
      ...healthy,
      privileges: user,
      fuseDevice: { path: '/dev/fuse', error: 'EACCES' },
      fusermount: undefined,
      userAllowOther: false,
      fuseInit: undefined,
      koffi: { found: false, detail: 'no binary' },
      fuseNative: { found: false, detail: 'not installed' },
      overlayMounts: false,
      openFiles: { soft: 64, hard: 256 },
      xattr: { directory: '/mnt', trusted: false, user: false },
    };
    const bad = judgeFacts(bare).filter((one) => one.ok !== 'ok');
    expect(bad.length).toBeGreaterThan(7);
    expect(bad.filter((one) => one.cost === '')).toEqual([]);
    expect(doctorExitCode(bad)).toBe(1);
  });

  it.each([
    [
      'a device that is not there',
      { fuseDevice: { path: '/dev/fuse', error: 'ENOENT' } },
      '/dev/fuse',
      'missing',
    ],
    ['a user without fusermount3', { privileges: user, fusermount: undefined }, 'fusermount3', 'missing'],
    ['root without fusermount3', { fusermount: undefined }, 'fusermount3', 'warn'],
    ['koffi without a binary', { koffi: { found: false, detail: 'x' } }, 'koffi', 'missing'],
    ['fuse-native not installed', { fuseNative: { found: false, detail: 'x' } }, 'fuse-native', 'warn'],
    [
      'a mount that ends with its daemon',
      { mounts: [{ mountpoint: '/m', endsBecause: 'it has mounts of remote storage' }] },
      'mounts',
      'warn',
    ],
    ['a kernel before openat2', { kernelRelease: '5.4.0' }, 'kernel', 'missing'],
    ['passthrough for a user', { privileges: user }, 'FUSE passthrough', 'warn'],
    [
      'storage without trusted xattrs',
      { xattr: { directory: '/m', trusted: false, user: true } },
      'extended attributes',
      'warn',
    ],
  ] as const)('judges %s', (_what, facts, name, ok) => {
    expect(found(facts, name).ok).toBe(ok);
  });
});

describe('formatFindings()', () => {
  it('puts what an absence costs below its line, and ends with what it comes to', () => {
    const text = formatFindings(
      judgeFacts({ ...healthy, fuseNative: { found: false, detail: 'not installed' } }),
      'table',
    );
    expect(text).toMatch(/^WARN +fuse-native +not installed\n +-> only --engine fuse-native does not work$/m);
    expect(text.trimEnd().split('\n').at(-1)).toBe(
      'plyfs can mount on this host; 1 thing is less than it could be',
    );
  });

  it('gives programs one array with the four fields of each finding', () => {
    const parsed = JSON.parse(formatFindings(judgeFacts(healthy), 'json')) as Record<string, string>[];
    expect(parsed.length).toBe(judgeFacts(healthy).length);
    for (const one of parsed) expect(Object.keys(one)).toEqual(['name', 'ok', 'detail', 'cost']);
  });
});
