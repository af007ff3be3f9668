/** A file system of which a test gives the methods it expects to be called; any other call is an error. */

import type { FileSystem } from '../../../src/vfs/file-system.js';

export function fakeFileSystem(methods: Partial<FileSystem>): FileSystem {
  return new Proxy(methods, {
    get(target, name) {
      if (name === 'attach') return target.attach ?? (() => undefined);
      return (
        Reflect.get(target, name) ??
        (() => {
          throw new Error(`${String(name)} was not expected`);
        })
      );
    },
  }) as FileSystem;
}
