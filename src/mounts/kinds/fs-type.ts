/** The type of plyfs's own mounts, as mountinfo has it: apart, for commands that load nothing else of mounts. */

/** The file system type of every mount that plyfs makes. */
export const FS_TYPE = 'fuse.plyfs';
