/** The ids of the caller that a request carries. A mutable record that the engine reuses. */

export class Caller {
  /** fsuid and fsgid of the calling thread, in the mount's user namespace. */
  uid = 0;
  gid = 0;
  /** Thread id; 0 for requests of the kernel's own (writeback). */
  pid = 0;
}
