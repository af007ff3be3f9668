/** The import rule finds each wrong direction, and only those. */

import { describe, expect, it } from 'vitest';
import { foldersMayImport, importFindings, mayImport } from '../../../scripts/import-direction.js';

function findings(path: string, ...lines: string[]): string[] {
  return importFindings({ path, text: lines.join('\n') }).map(({ line, message }) => `${line}: ${message}`);
}

describe('importFindings()', () => {
  it('lets a module import itself, what lies below it, and packages', () => {
    const text = [
      "import { a } from './other.js';",
      "import type { b } from '../../errno/errno.js';",
      "import { c } from '../../linux/files/statx.js';",
      "import { join } from 'node:path';",
    ];
    expect(findings('src/union/nodes/lookup.ts', ...text)).toEqual([]);
  });

  it('names the line of an import that points up', () => {
    const found = findings('src/linux/stat.ts', '// header', "import { x } from '../union/lookup.js';");
    expect(found).toEqual(['2: linux imports union; it may import only errno, vfs']);
  });

  it('keeps the union apart from the wire and from the engines', () => {
    expect(findings('src/union/nodes/lookup.ts', "import { x } from '../../fuse/abi/abi.js';")).toHaveLength(
      1,
    );
    expect(findings('src/mounts/bind.ts', "import { x } from '../engine/kernel/session.js';")).toHaveLength(
      1,
    );
  });

  it('sees type imports, re-exports, import() and import types', () => {
    const wrong = [
      "import type { A } from '../vfs/attr.js';",
      "export { b } from '../vfs/name.js';",
      "const c = await import('../vfs/wait.js');",
      "type D = import('../vfs/attr.js').Attr;",
    ];
    expect(findings('src/errno/errno.ts', ...wrong)).toHaveLength(4);
  });

  it('does not count comments and strings', () => {
    const text = ["// import { a } from '../cli/main.js';", 'const b = "import x from \'../cli/main.js\'";'];
    expect(findings('src/errno/errno.ts', ...text)).toEqual([]);
  });

  it('lets nobody import cli or the library entry', () => {
    expect(findings('src/index.ts', "import { x } from './cli/main.js';")).toEqual(['1: nobody imports cli']);
    expect(findings('src/daemon/serve/main.ts', "import { x } from '../../index.js';")).toHaveLength(1);
  });

  it('lets src/index.ts import everything else', () => {
    expect(
      findings('src/index.ts', "export { x } from './daemon/serve/main.js';", "import './errno/errno.js';"),
    ).toEqual([]);
  });

  it('finds an import that leaves src and a module that the table does not know', () => {
    expect(findings('src/errno/errno.ts', "import { x } from '../../scripts/check.js';")).toHaveLength(1);
    expect(findings('src/misc/odd.ts', "import { x } from '../errno/errno.js';")).toHaveLength(1);
  });
});

describe('importFindings() within a module', () => {
  it('names the folders that a folder may import', () => {
    expect(findings('src/daemon/config/paths.ts', "import { x } from '../serve/serve.js';")).toEqual([
      '1: daemon/config imports daemon/serve; of daemon it may import only nothing',
    ]);
  });

  it('counts a deeper folder as the one it lies in, and lets the top of a module import all', () => {
    expect(findings('src/cli/program.ts', "import { x } from './commands/mount.js';")).toEqual([]);
    expect(findings('src/cli/doctor/store/check.ts', "import { x } from '../doctor.js';")).toEqual([]);
    expect(
      findings('src/cli/doctor/store/check.ts', "import { x } from '../../frame/options.js';"),
    ).toHaveLength(1);
  });

  it('finds a folder that the table does not know', () => {
    expect(findings('src/daemon/misc/odd.ts', "import { x } from '../config/locate.js';")).toHaveLength(1);
  });
});

describe('mayImport', () => {
  it('has no cycle and names only modules that it has', () => {
    for (const module of Object.keys(mayImport)) expect(reachable(mayImport, module)).not.toContain(module);
    for (const module of Object.values(mayImport).flat()) expect(Object.keys(mayImport)).toContain(module);
  });
});

describe('foldersMayImport', () => {
  it('has no cycle, and names only folders that it has', () => {
    for (const [module, folders] of Object.entries(foldersMayImport)) {
      const cyclic = Object.keys(folders).filter((folder) => reachable(folders, folder).has(folder));
      expect([module, ...cyclic.sort()]).toEqual([module]);
      for (const folder of Object.values(folders).flat())
        expect(['.', ...Object.keys(folders)]).toContain(folder);
    }
  });
});

function reachable(
  table: Readonly<Record<string, readonly string[]>>,
  from: string,
  seen = new Set<string>(),
): Set<string> {
  for (const next of table[from] ?? []) {
    if (seen.has(next)) continue;
    seen.add(next);
    reachable(table, next, seen);
  }
  return seen;
}
