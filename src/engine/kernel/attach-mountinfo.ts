/**
 * What plyfs has mounted, among all that is mounted (linux/mountinfo.ts).
 */

export { type MountEntry, parseMountinfo, readMountinfo, topMountAt } from '../../linux/mountinfo.js';

/** The file system type of every mount that plyfs makes. */
export const FS_TYPE = 'fuse.plyfs';
