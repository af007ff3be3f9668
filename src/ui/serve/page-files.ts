/** The files of the page: what tsc made of `page/`, and HTML and CSS as they lie in the sources. */

import { readFileSync } from 'node:fs';
import { hasCode } from '../../errno/error-code.js';

const TYPES: Readonly<Record<string, string>> = {
  html: 'text/html; charset=utf-8',
  css: 'text/css; charset=utf-8',
  js: 'text/javascript; charset=utf-8',
  svg: 'image/svg+xml',
};

/** From where this file lies, compiled or in a bundle (dist/bin), to what was compiled and to the sources of the package. */
const FOLDERS = ['../page/', '../src/ui/page/', '../../src/ui/page/', '../../../../src/ui/page/'];

interface PageFile {
  readonly type: string;
  readonly bytes: Buffer;
}

/** @param path of the request. @returns undefined for a path that is no file of the page. */
export function pageFile(path: string): PageFile | undefined {
  const name = path === '/' ? 'page.html' : path.slice(1);
  const [, suffix = ''] = /^(?:views\/)?[a-z][a-z-]*\.(html|css|js|svg)$/.exec(name) ?? [];
  const type = TYPES[suffix];
  if (type === undefined) return undefined;
  for (const folder of FOLDERS) {
    try {
      return { type, bytes: readFileSync(new URL(`${folder}${name}`, import.meta.url)) };
    } catch (error) {
      if (!hasCode(error, 'ENOENT')) throw error;
    }
  }
  return undefined;
}
