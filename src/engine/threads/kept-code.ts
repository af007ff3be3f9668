/**
 * The code of threads that start late, kept in memory: a thread of a mount that has stood for a month starts although the package
 * was removed meanwhile, and with the code that the mount began with when another version lies in its place.
 *
 * The text of each module is read once, from the entry along its imports, into memory that all threads share; `start-kept-thread.ts`
 * links modules of it. What Node has itself is loaded as ever; koffi's addon is in the process already, and the dynamic linker finds
 * it by its path (man 3 dlopen: an object of that name is not opened again), whether or not the file is still there.
 */

import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';

export interface KeptCode {
  readonly bytes: SharedArrayBuffer;
  /** Where the text of a module lies in `bytes`, by its URL: from, to. */
  readonly ranges: ReadonlyMap<string, readonly [from: number, to: number]>;
  /** The path of koffi's addon; empty when this thread has not loaded it. */
  readonly addon: string;
}

let kept: KeptCode | undefined;

/** Uses what another thread has read. */
export function adoptCode(code: KeptCode): void {
  kept = code;
}

/** What this thread has, when it has the entry; else its code as it lies on disk now. @throws Error when it is not there. */
export function keptCodeOf(entry: URL): KeptCode {
  return kept?.ranges.has(entry.href) ? kept : readCode([entry]);
}

/** Reads the modules of all entries. @throws Error of the file system. */
export function readCode(entries: readonly URL[]): KeptCode {
  const texts = new Map<string, Buffer>();
  for (const { href } of entries) read(href, texts);
  const length = [...texts.values()].reduce((sum, text) => sum + text.length, 0);
  const bytes = new SharedArrayBuffer(length);
  const ranges = new Map<string, readonly [number, number]>();
  let at = 0;
  for (const [url, text] of texts) {
    text.copy(new Uint8Array(bytes), at);
    ranges.set(url, [at, at + text.length]);
    at += text.length;
  }
  return { bytes, ranges, addon: addonPath() };
}

/** As tsc writes imports and re-exports of neighbours: at the beginning of a line, the specifier at its end. */
const NEIGHBOUR = /^(?:import |(?:import|export)\b[^'"]*\bfrom )['"](\.{1,2}\/[^'"]+)['"];$/gm;

function read(url: string, texts: Map<string, Buffer>): void {
  if (texts.has(url)) return;
  const text = readFileSync(new URL(url));
  texts.set(url, text);
  for (const [, specifier = ''] of text.toString('utf8').matchAll(NEIGHBOUR))
    read(new URL(specifier, url).href, texts);
}

function addonPath(): string {
  const loaded = Object.keys(createRequire(import.meta.url).cache);
  return loaded.find((path) => path.endsWith('/koffi.node')) ?? '';
}
