/**
 * A build context that comes on standard input: a tar, or the Dockerfile alone with an empty directory.
 */

import { closeSync, constants, mkdirSync, openSync, writeFileSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { join } from 'node:path';
import type { Chunks } from '../image/decompress.js';
import type { Intent } from '../store/intent.js';
import type { Store } from '../store/store.js';
import { isArchive, openArchive, unpackArchive } from './archive.js';

export interface StreamedContext {
  /** The directory, in the store; it goes with the Intent. */
  readonly directory: string;
  /** What came was no tar, but this. */
  readonly dockerfile: string | undefined;
}

/** @throws UserError for a tar that is damaged, or leads out. */
export async function readContext(store: Store, intent: Intent, source: Chunks): Promise<StreamedContext> {
  const home = store.path(store.stage('layers', intent));
  const path = join(home, 'input');
  const file = await open(path, 'wx+', 0o600);
  try {
    for await (const chunk of source) await file.appendFile(chunk);
    const directory = join(home, 'context');
    mkdirSync(directory, { mode: 0o755 });
    if (!(await isArchive(path))) {
      const content = Buffer.alloc((await file.stat()).size);
      await file.read(content, 0, content.length, 0);
      return { directory, dockerfile: content.toString('utf8') };
    }
    const rootFd = openSync(directory, constants.O_RDONLY | constants.O_DIRECTORY);
    try {
      await unpackArchive(await openArchive(path), { rootFd, directory: '/', owners: undefined });
    } finally {
      closeSync(rootFd);
    }
    // It is not needed twice.
    writeFileSync(path, '');
    return { directory, dockerfile: undefined };
  } finally {
    await file.close();
  }
}
