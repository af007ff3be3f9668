/**
 * The records that requests are decoded into and answered from: one of each for a session, reused for every request,
 * because an object a request costs more than the fields written into it.
 */

import * as attr from '../../fuse/messages/decode-attr.js';
import { ForgetIn } from '../../fuse/messages/decode-forget.js';
import * as io from '../../fuse/messages/decode-io.js';
import * as misc from '../../fuse/messages/decode-misc.js';
import * as names from '../../fuse/messages/decode-name.js';
import * as opens from '../../fuse/messages/decode-open.js';
import * as xattr from '../../fuse/messages/decode-xattr.js';
import { DirentBuffer } from '../../fuse/messages/encode-dirent.js';
import { Attr, Entry, Opened, StatFs } from '../../vfs/attr.js';
import { Caller } from '../../vfs/caller.js';
import {
  AttrChange,
  Creation,
  FlagsRequest,
  NewEntry,
  NewFile,
  OpenIntent,
  WriteData,
} from '../../vfs/file-system.js';
import type { Name } from '../../vfs/name.js';
import { SetIdPolicy } from './set-id-policy.js';

export class Records {
  readonly getattr = new attr.GetattrIn();
  readonly statx = new attr.StatxIn();
  readonly setattr = new attr.SetattrIn();
  readonly forget = new ForgetIn();
  readonly read = new io.ReadIn();
  readonly write = new io.WriteIn();
  readonly fallocate = new io.FallocateIn();
  readonly lseek = new io.LseekIn();
  readonly copy = new io.CopyFileRangeIn();
  readonly init = new misc.InitIn();
  readonly interrupt = new misc.InterruptIn();
  readonly ioctl = new misc.IoctlIn();
  readonly name = new names.NameIn();
  readonly symlink = new names.SymlinkIn();
  readonly mknod = new names.MknodIn();
  readonly mkdir = new names.MkdirIn();
  readonly rename = new names.RenameIn();
  readonly link = new names.LinkIn();
  readonly open = new opens.OpenIn();
  readonly create = new opens.CreateIn();
  readonly flush = new opens.FlushIn();
  readonly fsync = new opens.FsyncIn();
  readonly release = new opens.ReleaseIn();
  readonly setxattr = new xattr.SetxattrIn();
  readonly getxattr = new xattr.GetxattrIn();
  readonly listxattr = new xattr.ListxattrIn();

  readonly setIds = new SetIdPolicy();

  /** Whether the name of a LOOKUP exists. */
  found = false;
  /** Bytes read, written or copied; where a seek leads. */
  count = 0;
  /** What a symlink says. */
  content: Name = '';
  /** The value of an extended attribute, and the room that the caller has for it. */
  value: Uint8Array = new Uint8Array(0);
  room = 0;

  readonly caller = new Caller();
  readonly attr = new Attr();
  readonly entry = new Entry();
  readonly opened = new Opened();
  readonly statfs = new StatFs();
  readonly change = new AttrChange();
  readonly creation = new Creation();
  readonly intent = new OpenIntent();
  readonly data = new WriteData();
  readonly flags = new FlagsRequest();
  readonly dirents = new DirentBuffer();
  readonly newEntry = new NewEntry(this.entry, this.caller);
  readonly newFile = new NewFile(this.entry, this.caller, this.opened);
}
