/**
 * plyfs as a library: the same mounts that the `plyfs` command makes, served by the same daemon.
 *
 * Strings are text, paths may be relative to the working directory. A mount outlives the program that made it, unless
 * it is unmounted: use `await using`.
 *
 * ```ts
 * await using tree = await mount({ mountpoint: '/mnt', layers: ['base', 'app'], upper: 'changes' });
 * ```
 *
 * @packageDocumentation
 */

export type { MountOptions } from './daemon/config/build-config.js';
export type { EngineName } from './daemon/config/mount-config.js';
export type { WayStep, WhyReply, WhyStep } from './daemon/messages/why-reply.js';
export type { ListedMount } from './daemon/run-directory/list-mounts.js';
export { type ApplyRefusal, ApplyRefused } from './draft/choose-without-asking.js';
export type { ChangeDescription } from './draft/describe-change.js';
export { UserError, type UserErrorCode, type UserErrorDetail } from './errno/user-error.js';
export type { SaveFormat } from './image/layout/save-image.js';
export type { BuildEvent } from './image-build/stage/build-event.js';
export type { ArchiveSource, ArchiveTarget } from './library/archive-ends.js';
export type { BuildRequest } from './library/build-stored-image.js';
export type {
  CommandResult,
  CommandStreamOptions,
  ContainerCommands,
  ContainerExec,
  LoggedOutput,
  LogRange,
  RunResult,
} from './library/container-commands.js';
export { type Mount, mount, mounts, openMount, type UnmountOptions } from './library/library-mounts.js';
export type { PruneOptions, TransferProgress, WarningOptions } from './library/library-options.js';
export type { NewContainer } from './library/new-container.js';
export type {
  FoundFile,
  ImageLayer,
  ImageWaste,
  LayerSearch,
  TreeDifference,
  WastedImageFile,
} from './library/search-images.js';
export {
  type EventDescription,
  type EventRange,
  type PlyfsStore,
  type StoreOptions,
  storeAt,
} from './library/store-at.js';
export type {
  ContainerCommit,
  ContainerDescription,
  ContainerStop,
  CopyOptions,
  StoredContainers,
} from './library/stored-containers.js';
export type {
  DraftApply,
  DraftDescription,
  DraftTry,
  StoredDrafts,
  TryResult,
} from './library/stored-drafts.js';
export type {
  ImageDescription,
  ImageHistoryLine,
  ImageImport,
  ImageLoad,
  ImageRemoval,
  ImageSave,
  StoredImages,
} from './library/stored-images.js';
export type {
  SnapshotDescription,
  SnapshotTaking,
  StoredSnapshots,
} from './library/stored-snapshots.js';
export type {
  NewVolume,
  StoredVolumes,
  VolumeCopyOptions,
  VolumeDescription,
} from './library/stored-volumes.js';
export type {
  ImageTransfer,
  ImageTransfers,
  RegistryAccess,
  SentImage,
} from './library/transfer-images.js';
