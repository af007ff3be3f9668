/**
 * What plyfs has mounted, among all that is mounted (linux/mounts/mountinfo.ts).
 */

export {
  isSameMount,
  type MountEntry,
  parseMountinfo,
  readMountinfo,
  topMountAt,
} from '../../linux/mounts/mountinfo.js';
export { FS_TYPE } from '../../mounts/kinds/fs-type.js';
