/**
 * The thread that changes what a page with `--write` asks for: one change after the other, while pages go on being answered.
 *
 * Each change is one that a command has too (`volume clone`, `apply`, `undo` ...), by the same functions.
 */

import { workerData } from 'node:worker_threads';
import { applyToHost } from '../../draft/apply/apply-draft.js';
import type { Permit } from '../../draft/changes/attention.js';
import { chooseNamed, type NamedChange } from '../../draft/choose-named.js';
import { undoLastApply } from '../../draft/draft-calls.js';
import { openForApply, planApply } from '../../draft/prepare-apply.js';
import { UserError } from '../../errno/user-error.js';
import { findSnapshotTarget } from '../../snapshot/find-snapshot-target.js';
import { Store } from '../../store/store.js';
import { nameFromText } from '../../vfs/name.js';
import { cloneVolume } from '../../volume/clone-volume.js';
import type { CallArguments } from '../call-arguments.js';
import { answerCalls } from '../thread-calls.js';
import { editVolumeFile, placeUpload } from './write-volume-file.js';

const store = new Store((workerData as { readonly root: string }).root);

const PERMITS: readonly Permit[] = ['setuid', 'devices', 'hooks'];

async function apply(args: CallArguments): Promise<object> {
  const named = args.records('changes').map(
    (one): NamedChange => ({
      key: one.text('key'),
      hunks: one.optionalNumbers('hunks'),
      overridesHost: one.flag('overridesHost'),
    }),
  );
  if (named.length === 0) throw new UserError('nothing was chosen, nothing is applied');
  const permits = new Set(PERMITS.filter((permit) => args.texts('permits').includes(permit)));
  await using opened = await openForApply(store, args.text('draft'));
  const plan = planApply(opened, { only: [], cwd: '/' });
  const chosen = chooseNamed(plan, named, permits);
  applyToHost(store, opened.record, opened.all, chosen);
  return { applied: chosen.length };
}

function fileOf(args: CallArguments): { readonly volume: string; readonly path: string } {
  return { volume: args.text('volume'), path: nameFromText(args.text('path')) };
}

answerCalls({
  edit: async (args) => ({
    version: await editVolumeFile(store, fileOf(args), {
      text: args.text('text'),
      version: args.text('version'),
    }),
  }),
  upload: async (args) => {
    await placeUpload(store, fileOf(args), args.text('file'));
    return {};
  },
  clone: async (args) => {
    const { warnings } = await cloneVolume(store, { from: args.text('volume'), to: args.text('name') });
    return { warnings };
  },
  snapshot: async (args) => {
    const target = await findSnapshotTarget(store, `volume:${args.text('volume')}`);
    await target.create(args.text('name'), { pause: true });
    return {};
  },
  apply,
  undo: () => undoLastApply(store),
});
