/**
 * A tree as lines that can be compared: mode, owner, path, and what is in it. Times do not count.
 */

import { createHash } from 'node:crypto';
import { lstatSync, readdirSync, readFileSync, readlinkSync } from 'node:fs';

const SHOWN_BYTES = 200;

/** A line for each object below a directory, sorted. */
export function listTree(root: string): string[] {
  const lines: string[] = [];
  const visit = (below: string): void => {
    for (const name of readdirSync(bytesOf(`${root}/${below}`), 'latin1').sort()) {
      const path = below === '' ? name : `${below}/${name}`;
      const stat = lstatSync(bytesOf(`${root}/${path}`));
      const mode = (stat.mode & 0o7777).toString(8).padStart(4, '0');
      lines.push(`${mode} ${stat.uid}:${stat.gid} /${escaped(path)}${detail(`${root}/${path}`)}`);
      if (stat.isDirectory()) visit(path);
    }
  };
  visit('');
  return lines;
}

function detail(path: string): string {
  const stat = lstatSync(bytesOf(path));
  if (stat.isDirectory()) return '/';
  if (stat.isSymbolicLink()) return ` -> ${escaped(readlinkSync(bytesOf(path), 'latin1'))}`;
  if (!stat.isFile()) return stat.isFIFO() ? ' fifo' : ' special';
  // Other versions of the programs pack in another way.
  if (/\.(?:gz|bz2|xz)$/.test(path)) return ' packed';
  const content = readFileSync(bytesOf(path));
  if (content.length <= SHOWN_BYTES) return ` ${JSON.stringify(content.toString('latin1'))}`;
  return ` sha256:${createHash('sha256').update(content).digest('hex')}`;
}

function bytesOf(path: string): Buffer {
  return Buffer.from(path, 'latin1');
}

function escaped(name: string): string {
  return name.replace(/[^ -~]/g, (char) => `\\x${char.charCodeAt(0).toString(16)}`);
}
