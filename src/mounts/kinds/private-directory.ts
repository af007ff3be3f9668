/** The directory of a tmpfs without privilege: what lies in it is counted when another process goes on with it, and it is removed in the end. */

import { chmodSync, lstatSync, readdirSync, rmSync } from 'node:fs';
import { hasCode } from '../../errno/error-code.js';

/** Also where directories deny their owner to enter or change them. */
export function removePrivate(directory: string): void {
  try {
    rmSync(directory, { recursive: true, force: true });
  } catch (error) {
    if (!hasCode(error, 'EACCES')) throw error;
    makePassable(Buffer.from(directory));
    rmSync(directory, { recursive: true, force: true });
  }
}

function makePassable(directory: Buffer): void {
  chmodSync(directory, 0o700);
  for (const entry of readdirSync(directory, { withFileTypes: true, encoding: 'buffer' })) {
    if (entry.isDirectory()) makePassable(Buffer.concat([directory, Buffer.from('/'), entry.name]));
  }
}

/** @returns the bytes that the files below take, as a quota counts them. */
export function bytesBelow(directory: Buffer, seen = new Set<number>()): number {
  let bytes = 0;
  for (const name of readdirSync(directory, { encoding: 'buffer' })) {
    const path = Buffer.concat([directory, Buffer.from('/'), name]);
    const stat = lstatSync(path);
    if (stat.isFile() && !seen.has(stat.ino)) bytes += stat.blocks * 512;
    seen.add(stat.ino);
    if (stat.isDirectory()) bytes += bytesBelow(path, seen);
  }
  return bytes;
}
