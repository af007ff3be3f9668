/**
 * File systems whose answers come over a network or from another process, and may not come at all: by the type that
 * mountinfo has, which tells the same as the magic number of statfs(2) and touches no storage.
 */

const REMOTE_TYPES = new Set([
  '9p',
  'acfs',
  'afs',
  'autofs',
  'ceph',
  'cifs',
  'coda',
  'fuse',
  'fuseblk',
  'gfs2',
  'gpfs',
  'lustre',
  'ncpfs',
  'nfs',
  'nfs4',
  'ocfs2',
  'orangefs',
  'smb3',
  'smbfs',
  'virtiofs',
]);

export function isRemoteType(type: string): boolean {
  return REMOTE_TYPES.has(type) || type.startsWith('fuse.');
}
