/** Kinds of mount: what each makes of its options, and that the words of the language are no types. */

import { expect, it } from 'vitest';
import { kindNamed, mountKindOf } from '../../../src/mounts/request/kinds/mount-kinds.js';
import { parseMountSpec } from '../../../src/mounts/request/mount-spec.js';
import { imageNameOf, volumeNameOf } from '../../../src/mounts/request/named-sources.js';

const parse = (spec: string) => parseMountSpec(spec, { cwd: '/' });
const described = (spec: string) => {
  const request = parse(spec);
  return mountKindOf(request).describe(request);
};

it('kindNamed() knows the four types alone', () => {
  for (const type of ['bind', 'volume', 'tmpfs', 'image']) expect(kindNamed(type), type).toBeDefined();
  for (const type of ['', 'npipe', 'constructor', '__proto__']) expect(kindNamed(type), type).toBeUndefined();
  expect(() => parse('type=constructor,dst=/a')).toThrow('mount type unknown');
});

it('describe() names the options that were given as Docker does', () => {
  expect(described('type=bind,src=/a,dst=/b,readonly,bind-recursive=readonly')).toEqual({
    key: 'BindOptions',
    options: { ReadOnlyForceRecursive: true },
  });
  expect(described('src=data,dst=/b')).toEqual({ key: 'VolumeOptions', options: {} });
  expect(described('src=data,dst=/b,volume-nocopy')).toEqual({
    key: 'VolumeOptions',
    options: { NoCopy: true, DriverConfig: {} },
  });
  expect(described('src=data,dst=/b,volume-opt=type=ext4')).toEqual({
    key: 'VolumeOptions',
    options: { DriverConfig: { Options: { type: 'ext4' } } },
  });
  expect(described('type=tmpfs,dst=/b,tmpfs-size=1k')).toEqual({
    key: 'TmpfsOptions',
    options: { SizeBytes: 1024 },
  });
  expect(described('type=image,src=base,dst=/b,image-subpath=etc')).toEqual({
    key: 'ImageOptions',
    options: { Subpath: 'etc' },
  });
});

it('plan() says of a bind whether it is a file, which nothing can be mounted below', () => {
  const bind = parse('type=bind,src=/a,dst=/b');
  const planned = mountKindOf(bind).plan(bind, () => 'file');
  expect(planned).toMatchObject({ sourceType: 'file' });
  expect(mountKindOf(planned).isFile(planned)).toBe(true);
  expect(() => mountKindOf(bind).plan(bind, () => undefined)).toThrow('bind source path does not exist: /a');
});

it('volumeNameOf() and imageNameOf() tell what of the store a request names', () => {
  expect(volumeNameOf(parse('src=data,dst=/b'))).toBe('data');
  expect(volumeNameOf(parse('dst=/b'))).toBeUndefined();
  expect(volumeNameOf(parse('type=bind,src=/a,dst=/b'))).toBeUndefined();
  expect(imageNameOf(parse('type=image,src=base,dst=/b'))).toBe('base');
});
