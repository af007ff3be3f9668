/** A draft as something that has snapshots: copies of its areas, which have what it would change on the host. */

import { existsSync, mkdirSync } from 'node:fs';
import { recoverApplies } from '../draft/apply/undo-apply.js';
import { assertUnused } from '../draft/discard-draft.js';
import { hideLeftAreas } from '../draft/mount/mount-areas.js';
import {
  addDraft,
  DRAFT_SHAPE,
  type DraftRecord,
  draftHome,
  findDraft,
  lockDraft,
} from '../draft/record/draft-record.js';
import { ENODATA, ENOENT } from '../errno/errno.js';
import { check } from '../errno/fs-error.js';
import type { Difference } from '../image/contents/compare-trees.js';
import { AT_FDCWD, O_DIRECTORY, O_RDONLY } from '../linux/constants.js';
import { syncfs } from '../linux/files/data.js';
import { close, openat } from '../linux/files/open.js';
import { removexattrAt } from '../linux/files/xattr.js';
import { openMirrorView } from '../mounts/mirror/open-mirror-view.js';
import type { CopyPolicy } from '../realfs/tree-copy/policy.js';
import { namesIn, TreeCopy } from '../realfs/tree-copy/walk.js';
import { replaceDirectory } from '../store/replace-directory.js';
import type { Store } from '../store/store.js';
import { PrivateXattrs } from '../union/form/overlay-xattrs.js';
import { xattrNamespaceHere } from '../union/form/xattr-namespace.js';
import type { FileSystem } from '../vfs/file-system.js';
import { type Name, nameFromText } from '../vfs/name.js';
import { KeptStates } from './kept-states.js';
import { openBoth } from './open-states.js';
import type { SnapshotTarget } from './snapshot-target.js';

export function draftTarget(store: Store, { name: draft }: DraftRecord): SnapshotTarget {
  const home = draftHome(draft);
  const areas = store.path(home, 'areas');
  const holder = { kind: 'drafts', shown: `draft '${draft}'`, name: draft, home } as const;
  const states = new KeptStates<DraftRecord>(store, holder, DRAFT_SHAPE);
  const areasOf = (name: string): string => `${states.path(states.find(name).name)}/areas`;
  return {
    kind: 'draft',
    name: draft,
    list: () =>
      states
        .list()
        .map(({ name, createdAt }) => ({ name, createdAt, layers: undefined, isCurrent: undefined })),
    create: async (name) => {
      await using held = await hold(store, draft);
      states.add(name, held.record, (folder) => {
        mkdirSync(`${folder}/areas`);
        copyAreas(areas, `${folder}/areas`);
      });
    },
    restore: async (name) => {
      await using _held = await hold(store, draft);
      const { about } = states.find(name);
      replaceDirectory(store, {
        kind: 'drafts',
        path: `${home}/areas`,
        fill: (to) => copyAreas(areasOf(name), to),
        record: { path: `${home}/draft.json`, text: `${JSON.stringify(about, null, 2)}\n`, mode: 0o600 },
      });
    },
    remove: async (name) => states.remove(name),
    fork: async (name, { snapshot } = {}) => {
      await using held = await hold(store, draft);
      const about = snapshot === undefined ? held.record : states.find(snapshot).about;
      addDraft(store, { ...about, name, createdAt: new Date().toISOString() }, (folder) => {
        mkdirSync(`${folder}/areas`);
        copyAreas(snapshot === undefined ? areas : areasOf(snapshot), `${folder}/areas`);
      });
      return name;
    },
    open: (name, other) => {
      const record = findDraft(store, draft);
      const paths = new Map(
        [record, states.find(name).about, ...(other === undefined ? [] : [states.find(other).about])]
          .flatMap((one) => one.areas)
          .map((area) => [area.id, area.path]),
      );
      const opened = openBoth(
        () => openAreas(areasOf(name)),
        () => openAreas(other === undefined ? areas : areasOf(other)),
      );
      return { ...opened, shown: (difference) => inDraft(difference, paths) };
    },
  };
}

interface HeldDraft extends AsyncDisposable {
  readonly record: DraftRecord;
}

/** Nothing runs in it, nor begins to. @throws UserError */
async function hold(store: Store, name: string): Promise<HeldDraft> {
  recoverApplies(store);
  const lock = lockDraft(store, { name });
  try {
    const record = findDraft(store, name);
    await hideLeftAreas(store, record);
    assertUnused(store, record);
    return { record, [Symbol.asyncDispose]: async () => lock[Symbol.dispose]() };
  } catch (error) {
    lock[Symbol.dispose]();
    throw error;
  }
}

/** All as it is: whiteouts, marks, hard links between upper and its index. */
const POLICY: CopyPolicy = {
  owners: 'keep',
  conflicts: 'refuse',
  times: 'all',
  xattrs: 'all',
  sockets: 'copy',
  mounts: 'leave out',
  leavesOut: () => false,
  forgives: () => false,
};

/** PRECONDITION: nobody has the areas mounted. On disk on return. @throws FsError */
function copyAreas(from: string, to: string): void {
  if (!existsSync(from)) return;
  const [source, target] = [openDirectory(from), openDirectory(to)];
  try {
    using copy = new TreeCopy(POLICY);
    copy.directory(source, target);
    for (const id of namesIn(target)) forgetUpper(target, id);
    check(syncfs(target), 'syncfs', to);
  } finally {
    close(source);
    close(target);
  }
}

/** The index of a copied area belongs to the copy of upper; the next mount records which that is. */
function forgetUpper(areasFd: number, id: Name): void {
  const { upper } = new PrivateXattrs(xattrNamespaceHere());
  const removed = removexattrAt(areasFd, `${id}/work/index`, upper);
  if (removed !== -ENODATA && removed !== -ENOENT) check(removed, 'removexattr', upper);
}

function openDirectory(path: string): number {
  return check(openat(AT_FDCWD, nameFromText(path), O_RDONLY | O_DIRECTORY), 'open', path);
}

function openAreas(path: string): Disposable & { readonly fs: FileSystem } {
  const fs = openMirrorView(nameFromText(path));
  return { fs, [Symbol.dispose]: () => fs.detach() };
}

/** A difference of two `areas` folders as one of the trees that the draft shows. */
function inDraft(difference: Difference, paths: ReadonlyMap<string, Name>): Difference | undefined {
  const path = hostPath(difference.path, paths);
  if (path === undefined) return undefined;
  const { from, kind, before, after } = difference;
  const source = from === undefined ? undefined : hostPath(from, paths);
  const hid = before?.type === 'character';
  const hides = after?.type === 'character';
  if (hides && (kind === 'A' || kind === 'C')) return { ...difference, kind: 'D', path, aspects: [] };
  if (hid && (kind === 'D' || kind === 'C')) return { ...difference, kind: 'A', path, aspects: [] };
  return { ...difference, path, ...(source === undefined ? {} : { from: source }) };
}

/** `ID/upper/a/b` as the path on the host, without a leading slash. */
function hostPath(path: Name, paths: ReadonlyMap<string, Name>): Name | undefined {
  const [id = '', part, ...rest] = path.split('/');
  const area = paths.get(id);
  if (area === undefined || part !== 'upper') return undefined;
  return [...area.split('/').filter((one) => one !== ''), ...rest].join('/');
}
