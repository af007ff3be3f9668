/**
 * Versions, limits, notification codes, device ioctls and record sizes of the FUSE kernel protocol 7.45
 * (include/uapi/linux/fuse.h). Opcodes are in abi-opcodes.ts, flag bits in abi-flags.ts.
 *
 * Every record is little-endian here: plyfs runs on x86-64 and arm64 alone. Sizes are bytes.
 */

export const FUSE_KERNEL_VERSION = 7;
export const FUSE_KERNEL_MINOR_VERSION = 45;

/** The kernel refuses to read into a smaller buffer. */
export const FUSE_MIN_READ_BUFFER = 8192;
/** Longest name that the kernel takes in a directory entry or a notification (fs/fuse/fuse_i.h). */
export const FUSE_NAME_MAX = 1024;

/** Codes of notifications; they travel in the error field of a reply whose unique is 0. */
export const FUSE_NOTIFY_POLL = 1;
export const FUSE_NOTIFY_INVAL_INODE = 2;
export const FUSE_NOTIFY_INVAL_ENTRY = 3;
export const FUSE_NOTIFY_STORE = 4;
export const FUSE_NOTIFY_RETRIEVE = 5;
export const FUSE_NOTIFY_DELETE = 6;
export const FUSE_NOTIFY_RESEND = 7;
export const FUSE_NOTIFY_INC_EPOCH = 8;
export const FUSE_NOTIFY_PRUNE = 9;

const IOC_NONE = 0;
const IOC_WRITE = 1;
const IOC_READ = 2;
const FUSE_DEV_IOC_MAGIC = 229;

/** asm-generic/ioctl.h: direction in bits 30..31, size 16..29, type 8..15, number 0..7; unsigned. */
function ioc(direction: number, nr: number, sizeBytes: number): number {
  return ((direction << 30) | (sizeBytes << 16) | (FUSE_DEV_IOC_MAGIC << 8) | nr) >>> 0;
}

/** { int32 fd, uint32 flags, uint64 padding }, all but fd zero. */
export const SIZEOF_BACKING_MAP = 16;
/** Argument: pointer to uint32, the descriptor of another open /dev/fuse. */
export const FUSE_DEV_IOC_CLONE = ioc(IOC_READ, 0, 4);
/** Argument: pointer to a backing map. The result is the backing id. */
export const FUSE_DEV_IOC_BACKING_OPEN = ioc(IOC_WRITE, 1, SIZEOF_BACKING_MAP);
/** Argument: pointer to uint32, the backing id. */
export const FUSE_DEV_IOC_BACKING_CLOSE = ioc(IOC_WRITE, 2, 4);
export const FUSE_DEV_IOC_SYNC_INIT = ioc(IOC_NONE, 3, 0);

export const SIZEOF_IN_HEADER = 40;
export const SIZEOF_OUT_HEADER = 16;

export const SIZEOF_BATCH_FORGET_IN = 8;
export const SIZEOF_COPY_FILE_RANGE_IN = 56;
export const SIZEOF_CREATE_IN = 16;
export const SIZEOF_FALLOCATE_IN = 32;
export const SIZEOF_FLUSH_IN = 24;
export const SIZEOF_FORGET_IN = 8;
export const SIZEOF_FORGET_ONE = 16;
export const SIZEOF_FSYNC_IN = 16;
export const SIZEOF_GETATTR_IN = 16;
export const SIZEOF_GETXATTR_IN = 8;
export const SIZEOF_INIT_IN = 64;
/** Kernels before FUSE_INIT_EXT (5.17) send no second flag word. */
export const SIZEOF_INIT_IN_SHORT = 16;
export const SIZEOF_INTERRUPT_IN = 8;
export const SIZEOF_IOCTL_IN = 32;
export const SIZEOF_LINK_IN = 8;
export const SIZEOF_LSEEK_IN = 24;
export const SIZEOF_MKDIR_IN = 8;
export const SIZEOF_MKNOD_IN = 16;
export const SIZEOF_OPEN_IN = 8;
export const SIZEOF_READ_IN = 40;
export const SIZEOF_RELEASE_IN = 24;
export const SIZEOF_RENAME_IN = 8;
export const SIZEOF_RENAME2_IN = 16;
export const SIZEOF_SETATTR_IN = 88;
export const SIZEOF_SETXATTR_IN = 16;
/** The form without FUSE_SETXATTR_EXT. */
export const SIZEOF_SETXATTR_IN_SHORT = 8;
export const SIZEOF_STATX_IN = 24;
export const SIZEOF_WRITE_IN = 40;

export const SIZEOF_ATTR = 88;
export const SIZEOF_ATTR_OUT = 104;
export const SIZEOF_COPY_FILE_RANGE_OUT = 8;
/** Without the name. */
export const SIZEOF_DIRENT = 24;
export const SIZEOF_ENTRY_OUT = 128;
export const SIZEOF_GETXATTR_OUT = 8;
export const SIZEOF_INIT_OUT = 64;
export const SIZEOF_IOCTL_OUT = 16;
export const SIZEOF_LSEEK_OUT = 8;
export const SIZEOF_OPEN_OUT = 16;
export const SIZEOF_STATFS_OUT = 80;
export const SIZEOF_STATX_OUT = 288;
export const SIZEOF_WRITE_OUT = 8;

export const SIZEOF_NOTIFY_INVAL_ENTRY_OUT = 16;
export const SIZEOF_NOTIFY_INVAL_INODE_OUT = 24;
export const SIZEOF_NOTIFY_STORE_OUT = 24;
export const SIZEOF_NOTIFY_PRUNE_OUT = 16;
