import { describe, expect, it } from 'vitest';
import { MAX_SYMLINKS, PathNames } from '../../../src/vfs/path-names.js';

function all(names: PathNames): string[] {
  const found: string[] = [];
  for (let name = names.next(); name !== undefined; name = names.next()) found.push(name);
  return found;
}

describe('PathNames', () => {
  it.each([
    ['/a/b', ['a', 'b']],
    ['//a/./b/../c/', ['a', 'b', '..', 'c']],
    ['/', []],
    ['', []],
    ['.', []],
  ])('has the names of %s', (path, expected) => {
    const names = new PathNames(path);
    expect(names.rest).toEqual(expected);
    expect(names.isEmpty).toBe(expected.length === 0);
    expect(all(names)).toEqual(expected);
  });

  it('puts what a symlink holds before the rest, and says where it begins', () => {
    const names = new PathNames('link/rest');
    names.next();
    expect(names.follow('../x/')).toBe('here');
    expect(names.rest).toEqual(['..', 'x', 'rest']);
    expect(names.follow('/y')).toBe('root');
    expect(all(names)).toEqual(['y', '..', 'x', 'rest']);
  });

  it('follows as many symlinks as the kernel does', () => {
    const names = new PathNames('rest');
    const followed = Array.from({ length: MAX_SYMLINKS + 1 }, () => names.follow('.'));
    expect(followed.indexOf(undefined)).toBe(MAX_SYMLINKS);
    expect(names.rest).toEqual(['rest']);
  });
});
