/** Opens what a mount shows, whatever its type; remote storage is opened by its own thread (remote/remote-worker.ts). */

import { type OpenedSource, openBind, openTmpfs, openVolume } from '../../mounts/kinds/open-source.js';
import { type ByMountType, callByType } from '../../mounts/request/kinds/mount-kind.js';
import { type ResolvedMount, requireHostPath } from '../config/mount-config.js';
import { openCow } from './open-cow.js';
import { type ImageContext, openImage } from './open-image.js';

const openers: ByMountType<[ResolvedMount, ImageContext], OpenedSource> = {
  bind: (request, mount, context) =>
    request.cow || request.merge
      ? openCow(request, requireHostPath(mount), mount.own, context)
      : openBind(request, requireHostPath(mount), context),
  volume: (request, mount, context) => openVolume(request, requireHostPath(mount), context),
  tmpfs: (request, _mount, context) => openTmpfs(request, context),
  image: (request, { imageLayers = [] }, context) => openImage(request, imageLayers, context),
};

/** @throws UserError when it cannot be opened. */
export function openMountSource(mount: ResolvedMount, context: ImageContext): OpenedSource {
  return callByType(openers, mount.request, mount, context);
}
