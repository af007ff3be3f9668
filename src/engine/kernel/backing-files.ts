/** Files that the kernel of a session is given to read and write by itself (passthrough), by their backing ids. */

import { FUSE_DEV_IOC_BACKING_CLOSE, FUSE_DEV_IOC_BACKING_OPEN } from '../../fuse/abi/abi.js';
import { ioctlBuffer } from '../../linux/ioctl.js';

export class BackingFiles {
  readonly #fuseFd: number;
  readonly #isRehearsal: boolean;
  readonly #argument = Buffer.alloc(16);

  /** `isRehearsal`: no kernel is behind `fuseFd`, and what it would take is taken as given to it. */
  constructor(fuseFd: number, { isRehearsal }: { readonly isRehearsal: boolean }) {
    this.#fuseFd = fuseFd;
    this.#isRehearsal = isRehearsal;
  }

  /** @returns the id, or a negated errno. */
  open(fd: number): number {
    this.#argument.fill(0);
    this.#argument.writeInt32LE(fd, 0);
    const given = ioctlBuffer(this.#fuseFd, FUSE_DEV_IOC_BACKING_OPEN, this.#argument);
    return this.#isRehearsal ? 1 : given;
  }

  close(backingId: number): void {
    this.#argument.writeUInt32LE(backingId, 0);
    ioctlBuffer(this.#fuseFd, FUSE_DEV_IOC_BACKING_CLOSE, this.#argument);
  }
}
