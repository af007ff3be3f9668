/**
 * Starts a thread from kept code.
 *
 * Modules are linked by vm.SourceTextModule (Node: vm, "Class: vm.SourceTextModule"), which Node has behind a flag since 12; the
 * thread gets the flag, not the process.
 */

import { Worker } from 'node:worker_threads';
import { fsError } from '../../errno/fs-error.js';
import { EFD_NONBLOCK } from '../../linux/constants.js';
import { close } from '../../linux/files/open.js';
import { eventfd } from '../../linux/io/poll.js';
import { type KeptCode, keptCodeOf } from './kept-code.js';

interface KeptThreadOptions {
  /** What the thread finds as `workerData`. */
  readonly workerData: object;
  readonly resourceLimits?: import('node:worker_threads').ResourceLimits;
  readonly transferList?: readonly import('node:worker_threads').Transferable[];
  /**
   * Where it is said that a thread could not start, when its parent's event loop does not turn: a word is counted up, an eventfd
   * written.
   */
  readonly failed?: { readonly words: Int32Array; readonly index: number; readonly wakeFd: number };
}

/** What a thread opens as it starts: the loop's epoll, eventfd and ring, and one file at a time; some for what others open meanwhile. */
const THREAD_DESCRIPTORS = 8;

interface Boot {
  readonly code: KeptCode;
  readonly entry: string;
  readonly failed: KeptThreadOptions['failed'];
}

/** @throws FsError EMFILE, ENFILE without the descriptors that it takes. @throws Error when the system gives no thread, or there is no code for it. */
export function startKeptThread(entry: URL, options: KeptThreadOptions): Worker {
  needDescriptors();
  const boot: Boot = { code: keptCodeOf(entry), entry: entry.href, failed: options.failed };
  return new Worker(`(${bootKept.toString()})(require)`, {
    eval: true,
    execArgv: ['--experimental-vm-modules', '--no-warnings'],
    // The key is no name that a thread uses.
    workerData: { ...options.workerData, plyfsBoot: boot },
    transferList: [...(options.transferList ?? [])],
    ...(options.resourceLimits && { resourceLimits: options.resourceLimits }),
  });
}

/** A thread for which its loop cannot be made says so to its parent's event loop alone, which may never turn. */
function needDescriptors(): void {
  const taken: number[] = [];
  try {
    while (taken.length < THREAD_DESCRIPTORS) {
      const fd = eventfd(0, EFD_NONBLOCK);
      if (fd < 0) throw fsError(-fd, 'thread');
      taken.push(fd);
    }
  } finally {
    for (const fd of taken) close(fd);
  }
}

/** Runs in the new thread, from its text alone: it names nothing of this file, and has no import() for test runners to rewrite. */
async function bootKept(require: NodeJS.Require): Promise<void> {
  const vm: typeof import('node:vm') = require('node:vm');
  const fs: typeof import('node:fs') = require('node:fs');
  const { isBuiltin }: typeof import('node:module') = require('node:module');
  const { workerData } = require('node:worker_threads') as { workerData: { plyfsBoot: Boot } };
  const { code, entry, failed } = workerData.plyfsBoot;
  const modules = new Map<string, import('node:vm').Module>();

  const textOf = (url: string): string => {
    const [from, to] = code.ranges.get(url) ?? [-1, -1];
    if (from < 0) throw new Error(`the module '${url}' was not kept`);
    return Buffer.from(code.bytes, from, to - from).toString('utf8');
  };
  const ofText = (url: string): import('node:vm').Module => {
    const initializeImportMeta = (meta: ImportMeta): void => {
      meta.url = url;
    };
    return new vm.SourceTextModule(textOf(url), { identifier: url, initializeImportMeta });
  };
  const ofValues = (name: string, values: Readonly<Record<string, unknown>>): import('node:vm').Module => {
    const keys = Object.keys(values);
    const set = (): void => {
      for (const key of keys) module.setExport(key, values[key]);
    };
    const module = new vm.SyntheticModule(keys, set, { identifier: name });
    return module;
  };
  const koffi = (): Readonly<Record<string, unknown>> => {
    const loaded: { exports: unknown } = { exports: {} };
    process.dlopen(loaded, code.addon);
    return { default: loaded.exports };
  };
  const load = (name: string): import('node:vm').Module => {
    if (name === 'koffi') return ofValues(name, koffi());
    if (!isBuiltin(name)) return ofText(name);
    const exports: object = require(name);
    return ofValues(name, { ...exports, default: exports });
  };
  const link = (specifier: string, from: import('node:vm').Module): import('node:vm').Module => {
    const name = specifier.startsWith('.') ? new URL(specifier, from.identifier).href : specifier;
    const module = modules.get(name) ?? load(name);
    modules.set(name, module);
    return module;
  };

  try {
    const main = ofText(entry);
    await main.link(link);
    await main.evaluate();
  } catch (error) {
    if (failed === undefined) throw error;
    // By hand: the parent's event loop may never turn.
    const why = (error instanceof Error ? error.message : String(error)).replaceAll('\n', ' ');
    fs.writeSync(2, `${new Date().toISOString()} a thread cannot start: ${why}\n`);
    Atomics.add(failed.words, failed.index, 1);
    fs.writeSync(failed.wakeFd, new Uint8Array(new BigUint64Array([1n]).buffer));
  }
}
