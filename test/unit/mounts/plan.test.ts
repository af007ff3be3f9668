import { describe, expect, it } from 'vitest';
import { parseMountSpec } from '../../../src/mounts/request/mount-spec.js';
import { collectNotices, planMounts } from '../../../src/mounts/request/plan.js';
import { parseTmpfsSpec } from '../../../src/mounts/request/tmpfs-spec.js';
import type { SourceType } from '../../../src/mounts/request/types.js';
import { parseVolumeSpec } from '../../../src/mounts/request/volume-spec.js';

const context = { cwd: '/cwd' };
const v = (raw: string) => parseVolumeSpec(raw, context);
const mount = (raw: string) => parseMountSpec(raw, context);
const tmpfs = (raw: string) => parseTmpfsSpec(raw, context);

const host = new Map<string, SourceType>([
  ['/dir', 'directory'],
  ['/file', 'file'],
]);
const exists = (path: string) => host.get(path);

describe('planMounts()', () => {
  it('puts shallower targets first and keeps the order given among equals', () => {
    const planned = planMounts([v('/x/y/z'), v('a1:/x'), tmpfs('/w/v'), v('/a/b'), v('/k')], exists);
    expect(planned.map((request) => request.target)).toEqual(['/x', '/k', '/w/v', '/a/b', '/x/y/z']);
  });

  it('leaves its argument as it was', () => {
    const requests = [v('/x/y'), v('/x')];
    planMounts(requests, exists);
    expect(requests.map((request) => request.target)).toEqual(['/x/y', '/x']);
  });

  it.each([
    [[v('a1:/x'), v('b1:/x')]],
    [[v('a1:/x'), mount('dst=/x/')]],
    [[tmpfs('/y/../x'), v('/x')]],
  ])('refuses two mounts on one target', (requests) => {
    expect(() => planMounts(requests, exists)).toThrow(/^Duplicate mount point: \/x$/);
  });

  it('tells files from directories', () => {
    const planned = planMounts([v('/dir:/d'), v('/file:/f')], exists);
    expect(planned).toMatchObject([{ sourceType: 'directory' }, { sourceType: 'file' }]);
  });

  it('refuses a missing bind source and shows how to have it made', () => {
    expect(() => planMounts([v('/gone:/x:ro')], exists)).toThrow(
      expect.objectContaining({
        name: 'UserError',
        message: 'invalid mount config for type "bind": bind source path does not exist: /gone',
        hint: expect.stringContaining('--mount type=bind,src=/gone,dst=/x,readonly,bind-create-src'),
      }),
    );
    expect(() => planMounts([mount('type=bind,src=/gone,dst=/x')], exists)).toThrow(
      'bind source path does not exist: /gone',
    );
  });

  it('gives a hint that can be pasted, also for odd names', () => {
    expect(() => planMounts([v("./it's a,b:/x")], exists)).toThrow(
      expect.objectContaining({
        hint: expect.stringContaining(`'type=bind,"src=/cwd/it'\\''s a,b",dst=/x,bind-create-src'`),
      }),
    );
  });

  it('plans a directory for a missing source that is to be made', () => {
    const [planned] = planMounts([mount('type=bind,src=/gone,dst=/x,bind-create-src')], exists);
    expect(planned).toMatchObject({ createSource: true, sourceType: 'directory' });
  });

  it('refuses a target below a bound file', () => {
    expect(() => planMounts([v('a1:/f/sub'), v('/file:/f')], exists)).toThrow(
      "invalid mount path: '/f/sub' lies below '/f', where the file '/file' is mounted",
    );
    expect(planMounts([v('/file:/f'), v('a1:/foo')], exists)).toHaveLength(2);
  });
});

describe('collectNotices()', () => {
  it('gives each notice once', () => {
    const requests = [v('/dir:/a:z'), v('/dir:/b:Z,cached'), v('a1:/c:z')];
    expect(collectNotices(requests)).toHaveLength(2);
  });
});
