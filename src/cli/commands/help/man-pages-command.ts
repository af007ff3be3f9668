/** `plyfs man-pages`: writes the man pages; the package is made with it. */

import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Command } from 'commander';
import { version } from '../../../daemon/config/plyfs-version.js';
import { makeDirectories } from '../../../linux/files/make-directories.js';
import { fail } from '../../print/output.js';

export function manPagesCommand(build: () => Promise<Command>): Command {
  return new Command('man-pages')
    .description('write the man pages of plyfs and its commands')
    .argument('<directory>', 'where to; made if it is missing')
    .addHelpText('after', '\nExample:\n  plyfs man-pages /usr/local/share/man/man1')
    .action(async (directory: string) => {
      const { manPages } = await import('../../help/man-page.js');
      const pages = manPages(await build(), version());
      try {
        makeDirectories(directory);
        for (const { file, text } of pages) writeFileSync(join(directory, file), text);
      } catch (error) {
        fail('man-pages', error, { debug: false });
      }
    });
}
