/** From options to a MountConfig. */

import { mkdirSync, mkdtempSync, readFileSync, realpathSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { buildConfig } from '../../../src/daemon/config/build-config.js';

let root: string;

beforeEach(() => {
  root = realpathSync(mkdtempSync(join(tmpdir(), 'plyfs-config-')));
  for (const name of ['l1', 'l2', 'u', 'm']) mkdirSync(join(root, name));
});

afterEach(() => rmSync(root, { recursive: true, force: true }));

describe('buildConfig()', () => {
  it('reads the overlayfs form, turning its top-first order round', () => {
    const config = buildConfig(
      {
        mountpoint: 'm',
        options: ['lowerdir=l2:l1,upperdir=u,workdir=w,volatile', 'userxattr,nosuid,ro,metacopy=off'],
      },
      root,
    );
    expect(config).toMatchObject({
      mountpoint: `${root}/m`,
      layers: [`${root}/l1`, `${root}/l2`],
      upper: `${root}/u`,
      work: `${root}/w`,
      volatile: true,
      xattrNamespace: 'user',
      vfsOptions: ['nosuid'],
      unionOptions: { metacopy: 'off' },
      readOnly: true,
    });
  });

  it('shows plyfs as the source unless fsname names another', () => {
    expect(buildConfig({ mountpoint: 'm', layers: ['l1'] }, root).fsname).toBe('plyfs');
    const named = buildConfig({ mountpoint: 'm', layers: ['l1'], options: ['fsname=\u00e9'] }, root);
    expect([named.fsname, named.unionOptions]).toEqual(['\xc3\xa9', {}]);
  });

  it('puts the work directory beside upper when none is given', () => {
    expect(buildConfig({ mountpoint: 'm', upper: 'u' }, root).work).toBe(`${root}/u.work`);
  });

  it('follows symlinks of layers and of the mount point', () => {
    symlinkSync('l1', join(root, 'layer-link'));
    symlinkSync('m', join(root, 'mount-link'));
    const config = buildConfig({ mountpoint: 'mount-link', layers: ['layer-link'] }, root);
    expect([config.mountpoint, config.layers[0]]).toEqual([`${root}/m`, `${root}/l1`]);
  });

  it('keeps names as bytes', () => {
    mkdirSync(join(root, '\u00e9'));
    expect(buildConfig({ mountpoint: 'm', layers: ['\u00e9'] }, root).layers).toEqual([`${root}/\xc3\xa9`]);
  });

  it.each([
    [{ layers: ['l1'], options: ['lowerdir=l2'] }, 'cannot mix -l with -o lowerdir='],
    [{ upper: 'u', options: ['upperdir=u'] }, 'cannot mix --upper with -o upperdir='],
    [{ layers: [''] }, 'the layer is an empty path'],
    [{ mounts: ['type=image,src=x,dst=/x'] }, "cannot mount image 'x' on '/x': no such image"],
    [{ mounts: ['type=volume,src=xx,dst=/x,volume-driver=nfs'] }, "no such volume driver: 'nfs'"],
    [
      { mounts: ['type=volume,src=xx,dst=/x,volume-opt=type=nfs'] },
      "missing required volume option: 'device'",
    ],
  ])('refuses %j', (options, message) => {
    expect(() => buildConfig({ mountpoint: 'm', ...options }, root)).toThrow(message);
  });

  it('names volumes below the root, and makes none', () => {
    const { mounts } = buildConfig({ mountpoint: 'm', volumes: ['data:/d', '/anon'], root: 'state' }, root);
    expect(mounts[0]?.hostPath).toBe(`${root}/state/volumes/data/_data`);
    expect(mounts[1]?.hostPath).toMatch(/state\/volumes\/[0-9a-f]{64}\/_data$/);
    expect(() => readFileSync(`${root}/state`)).toThrow(/ENOENT/);
  });
});
