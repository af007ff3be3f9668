/*
 * The compiler's view of the FUSE records, for structs.test.ts: sizes, and records filled with known values.
 *
 * Needs linux/fuse.h of protocol 7.36 or later. Prints "size NAME BYTES", "bytes NAME HEX" and "ioctl NAME NUMBER".
 */
#include <linux/fuse.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>

static void show(const char *name, const void *record, size_t size) {
  const unsigned char *bytes = record;
  printf("bytes %s ", name);
  for (size_t i = 0; i < size; i++) printf("%02x", bytes[i]);
  printf("\n");
}

#define SIZE(name) printf("size %s %zu\n", #name, sizeof(struct fuse_##name))
#define SHOW(name, ...)                        \
  do {                                         \
    struct fuse_##name record;                 \
    memset(&record, 0, sizeof record);         \
    record = (struct fuse_##name){__VA_ARGS__}; \
    show(#name, &record, sizeof record);       \
  } while (0)

#define BIG 0x0002030405060708ULL
#define OWNER 0xf1f2f3f4f5f6f7f8ULL

int main(void) {
  printf("ioctl clone %lu\n", (unsigned long)FUSE_DEV_IOC_CLONE);

  SIZE(in_header), SIZE(out_header), SIZE(batch_forget_in);
  SIZE(copy_file_range_in), SIZE(create_in), SIZE(fallocate_in), SIZE(flush_in), SIZE(forget_in);
  SIZE(forget_one), SIZE(fsync_in), SIZE(getattr_in), SIZE(getxattr_in), SIZE(init_in), SIZE(interrupt_in);
  SIZE(ioctl_in), SIZE(link_in), SIZE(lseek_in), SIZE(mkdir_in), SIZE(mknod_in);
  SIZE(open_in), SIZE(read_in), SIZE(release_in), SIZE(rename_in);
  SIZE(rename2_in), SIZE(setattr_in), SIZE(setxattr_in), SIZE(write_in);
  SIZE(attr), SIZE(attr_out), SIZE(dirent), SIZE(entry_out), SIZE(getxattr_out), SIZE(init_out);
  SIZE(ioctl_out), SIZE(lseek_out), SIZE(open_out), SIZE(statfs_out), SIZE(write_out);
  SIZE(notify_inval_entry_out), SIZE(notify_inval_inode_out);
  SIZE(notify_store_out);

  SHOW(in_header, .len = 40, .opcode = 3, .unique = OWNER, .nodeid = BIG, .uid = 1, .gid = 2, .pid = 3);
  SHOW(copy_file_range_in, .fh_in = 1, .off_in = 2, .nodeid_out = 3, .fh_out = 4, .off_out = 5, .len = BIG, .flags = 6);
  SHOW(create_in, .flags = 1, .mode = 2, .umask = 3, .open_flags = 4);
  SHOW(fallocate_in, .fh = BIG, .offset = 1, .length = 2, .mode = 3);
  SHOW(flush_in, .fh = BIG, .lock_owner = OWNER);
  SHOW(fsync_in, .fh = BIG, .fsync_flags = 1);
  SHOW(getattr_in, .getattr_flags = FUSE_GETATTR_FH, .fh = BIG);
  SHOW(getxattr_in, .size = 77);
  SHOW(init_in, .major = 7, .minor = 36, .max_readahead = 9, .flags = FUSE_INIT_EXT | 1, .flags2 = 5);
  SHOW(interrupt_in, .unique = OWNER);
  SHOW(ioctl_in, .fh = BIG, .flags = 1, .cmd = 2, .arg = 3, .in_size = 0, .out_size = 4);
  SHOW(link_in, .oldnodeid = BIG);
  SHOW(lseek_in, .fh = BIG, .offset = (uint64_t)-3, .whence = 4);
  SHOW(mkdir_in, .mode = 1, .umask = 2);
  SHOW(mknod_in, .mode = 1, .rdev = 0x45612378, .umask = 2);
  SHOW(open_in, .flags = 1, .open_flags = 2);
  SHOW(read_in, .fh = BIG, .offset = 1, .size = 2, .read_flags = 3, .lock_owner = OWNER, .flags = 4);
  SHOW(release_in, .fh = BIG, .flags = 1, .release_flags = 2, .lock_owner = OWNER);
  SHOW(rename_in, .newdir = BIG);
  SHOW(rename2_in, .newdir = BIG, .flags = 1);
  SHOW(setattr_in, .valid = 1, .fh = BIG, .size = 2, .lock_owner = OWNER, .atime = (uint64_t)-3, .mtime = 4, .ctime = 5,
       .atimensec = 6, .mtimensec = 7, .ctimensec = 8, .mode = 9, .uid = 10, .gid = 11);
  SHOW(setxattr_in, .size = 0, .flags = 1, .setxattr_flags = FUSE_SETXATTR_ACL_KILL_SGID);
  SHOW(write_in, .fh = BIG, .offset = 1, .size = 0, .write_flags = 2, .lock_owner = OWNER, .flags = 3);

  struct fuse_attr attr = {.ino = BIG, .size = 1, .blocks = 2, .atime = (uint64_t)-3, .mtime = 4, .ctime = 5,
                           .atimensec = 6, .mtimensec = 7, .ctimensec = 8, .mode = 9, .nlink = 10, .uid = 11,
                           .gid = 12, .rdev = 0x45612378, .blksize = 13};
  SHOW(entry_out, .nodeid = BIG, .generation = 1, .entry_valid = 2, .attr_valid = 3, .entry_valid_nsec = 4000000,
       .attr_valid_nsec = 5000000, .attr = attr);
  SHOW(attr_out, .attr_valid = 3, .attr_valid_nsec = 5000000, .attr = attr);
  SHOW(open_out, .fh = BIG, .open_flags = FOPEN_KEEP_CACHE | FOPEN_NOFLUSH);
  SHOW(write_out, .size = 1);
  SHOW(getxattr_out, .size = 2);
  SHOW(lseek_out, .offset = BIG);
  SHOW(ioctl_out, .result = -5);
  SHOW(statfs_out, .st = {.blocks = BIG, .bfree = 1, .bavail = 2, .files = 3, .ffree = 4, .bsize = 5, .namelen = 6,
                          .frsize = 7});
  SHOW(init_out, .major = 7, .minor = 36, .max_readahead = 1, .flags = 2, .max_background = 3,
       .congestion_threshold = 4, .max_write = 5, .time_gran = 6, .max_pages = 7, .flags2 = 8);
  SHOW(notify_inval_inode_out, .ino = BIG, .off = -1, .len = 2);
  return 0;
}
