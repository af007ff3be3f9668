/** Mounts of which no snapshot can be taken, and why. */

import { expect, test } from 'vitest';
import type { MountConfig } from '../../../src/daemon/config/mount-config.js';
import { assertPushableMount } from '../../../src/snapshot/assert-pushable-mount.js';
import { xattrNamespaceHere } from '../../../src/union/form/xattr-namespace.js';

const config: MountConfig = {
  mountpoint: '/srv/mnt',
  layers: ['/srv/base'],
  upper: '/srv/up',
  work: '/srv/up.work',
  mounts: [],
  readOnly: false,
  engine: 'kernel',
  xattrNamespace: xattrNamespaceHere(),
  unionOptions: {},
  vfsOptions: [],
  fsname: 'plyfs',
  volatile: false,
  passthrough: 'programs',
  allowOther: false,
  debug: false,
};
const refusalOf = (change: Partial<MountConfig>) => () => assertPushableMount({ ...config, ...change });

test('an upper that can be renamed, in the form that layers have', () => {
  expect(assertPushableMount(config)).toEqual({ upper: '/srv/up', work: '/srv/up.work' });
  const otherForm = config.xattrNamespace === 'user' ? 'trusted' : 'user';
  expect(refusalOf({ readOnly: true })).toThrow('it is read-only');
  expect(refusalOf({ engine: 'fuse-native' })).toThrow('served by the engine fuse-native');
  expect(refusalOf({ xattrNamespace: otherForm })).toThrow('another form than layers here');
  expect(refusalOf({ unionOptions: { compat: 'fuse-overlayfs' } })).toThrow('another form than layers here');
  expect(refusalOf({ dataLayers: ['/srv/data'] })).toThrow('layers of data alone');
  expect(refusalOf({ upper: '/srv/\xff' })).toThrow('no UTF-8');
  expect(refusalOf({ upper: '/proc' })).toThrow('it is the root of a mount');
  expect(refusalOf({ work: '/proc/work' })).toThrow('its work directory lies in another');
});
