/**
 * Images of the corpus as text: the files that the base does not have, and the configuration.
 */

import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync } from 'node:fs';
import { join } from 'node:path';
import { deleteTree } from '../../src/store/delete-tree.js';
import type { CorpusCase } from './corpus-cases.js';
import type { CorpusFiles } from './corpus-files.js';
import { listTree } from './tree-listing.js';

export interface Builder extends Disposable {
  /** The lines of what is built. @throws when it cannot be built. */
  build(one: CorpusCase, dockerfile: string): string[];
}

const KEYS = [
  'User',
  'ExposedPorts',
  'Env',
  'Entrypoint',
  'Cmd',
  'Volumes',
  'WorkingDir',
  'Labels',
  'StopSignal',
  'Shell',
  'OnBuild',
  'Healthcheck',
];

const BASE_ENV = 'PATH=/bin:/usr/bin';
const TIMEOUT_MS = 240_000;
/** Mount points that builders make in a layer, or leave out of it. */
const MOUNT_POINTS = /^\S+ \S+ \/(?:(?:dev|proc|sys|run)\/|etc\/(?:hostname|hosts|resolv\.conf) )/;

/** @param cli the script of plyfs' command line. */
export function plyfsBuilder(files: CorpusFiles, cli: string): Builder {
  const root = mkdtempSync(join(files.cwd, 'plyfs-'));
  const plyfs = (...args: string[]): string => run(files.cwd, process.execPath, cli, '--root', root, ...args);
  plyfs('image', 'import', '-c', `ENV ${BASE_ENV}`, files.base, 'base');
  const tree = join(files.cwd, 'plyfs-tree');
  const base = new Set(unpacked(files.base, tree));
  return {
    build: ({ args = [] }, dockerfile) => {
      const tar = join(root, 'built.tar');
      const output = `type=tar,dest=${tar}`;
      const id = plyfs('build', '-q', '-f', dockerfile, ...args, '-o', output, files.context).trim();
      const config = plyfs('image', 'inspect', '--format', '{{json .Config}}', id);
      return linesOf(unpacked(tar, tree), base, JSON.parse(config));
    },
    [Symbol.dispose]: () => {
      plyfs('daemon', 'stop', '--unmount');
      deleteTree(root);
    },
  };
}

/** With a storage of its own, and chroot for RUN: no runtime, no network is needed. */
export function buildahBuilder(files: CorpusFiles): Builder {
  const home = mkdtempSync(join(files.cwd, 'buildah-'));
  const buildah = (...args: string[]): string => {
    const storage = ['--root', join(home, 'root'), '--runroot', join(home, 'run'), '--storage-driver', 'vfs'];
    return run(files.cwd, 'buildah', ...storage, ...args).trim();
  };
  const scratch = buildah('from', 'scratch');
  buildah('add', scratch, files.base, '/');
  buildah('config', '--env', BASE_ENV, scratch);
  buildah('commit', '--format', 'docker', scratch, 'base');
  const base = new Set(listTree(buildah('mount', scratch)));
  buildah('rm', scratch);
  return {
    build: ({ args = [] }, dockerfile) => {
      const options = ['--isolation', 'chroot', '--format', 'docker', '--pull-never', '-q'];
      const id =
        buildah('bud', ...options, '-f', dockerfile, ...args, files.context)
          .split('\n')
          .at(-1) ?? '';
      const container = buildah('from', id);
      try {
        const { Docker } = JSON.parse(buildah('inspect', '--type', 'image', id)) as BuildahImage;
        // Its own label, which this version puts on whatever it is told.
        delete Docker.config.Labels?.['io.buildah.version'];
        return linesOf(listTree(buildah('mount', container)), base, Docker.config);
      } finally {
        buildah('rm', container);
      }
    },
    [Symbol.dispose]: () => deleteTree(home),
  };
}

interface BuildahImage {
  readonly Docker: { readonly config: { readonly Labels?: Record<string, string> } };
}

function linesOf(tree: readonly string[], base: ReadonlySet<string>, config: object): string[] {
  const settings = Object.entries(config)
    .filter(([key, value]) => KEYS.includes(key) && !isEmpty(value))
    .map(([key, value]) => `${key} ${JSON.stringify(sorted(value))}`);
  return [...tree.filter((line) => !base.has(line) && !MOUNT_POINTS.test(line)), ...settings.sort()];
}

function isEmpty(value: unknown): boolean {
  if (value === null || value === '') return true;
  return typeof value === 'object' && Object.keys(value).length === 0;
}

function sorted(value: unknown): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value;
  return Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)));
}

/** The listing of a tar. */
function unpacked(tar: string, directory: string): string[] {
  mkdirSync(directory);
  try {
    run(directory, 'tar', '-xpf', tar, '--numeric-owner', '--same-owner');
    return listTree(directory);
  } finally {
    deleteTree(directory);
  }
}

function run(cwd: string, program: string, ...args: string[]): string {
  const { status, stdout, stderr, error } = spawnSync(program, args, {
    cwd,
    encoding: 'utf8',
    // A daemon of its own, which is not that of whoever runs this, and is there for the next step.
    env: { ...process.env, PLYFS_RUN_DIR: join(cwd, 'run'), PLYFS_DAEMON_IDLE_MS: '60000' },
    timeout: TIMEOUT_MS,
    maxBuffer: 64 << 20,
  });
  if (status === 0) return stdout;
  throw new Error(`${program} ${args.join(' ')}: ${error?.message ?? ''}${stderr}`);
}
