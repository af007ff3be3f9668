/**
 * By what the CPUs are kept awake in a burst of requests.
 *
 * /dev/cpu_dma_latency (Linux: Documentation/power/pm_qos_interface.rst) where it can be opened and the CPUs are few: idle CPUs
 * then poll instead of halting, all of them, and a wake-up takes no interrupt. Else a process of idle priority that spins a
 * while for each line in a pipe (spinner.ts): any user may have it, and it is one CPU.
 */

import { Burst, type Waker } from '../../engine/kernel/burst.js';
import { AT_FDCWD, O_WRONLY } from '../../linux/constants.js';
import { write } from '../../linux/files/data.js';
import { close, openat } from '../../linux/files/open.js';
import { pipe } from '../../linux/io/pipe.js';
import { ioctlBuffer } from '../../linux/ioctl.js';
import { type AwakeFacts, awakeFacts, MOST_POLLING_CPUS, whyNotAwake } from '../config/awake-facts.js';
import type { MountConfig } from '../config/mount-config.js';

const LATENCY_DEVICE = '/dev/cpu_dma_latency';
/** Longer than the pauses within a burst, shorter than what anybody notices of power. */
const REST_MS = 5;
const FIONREAD = 0x541b;
const LINE = Buffer.from('\n');
/** Lines that may lie in the pipe: on a busy machine, where nobody reads them, they would spin long after the burst. */
const MOST_LINES = 2;

export interface Wakefulness {
  /** Undefined when the CPUs are left to sleep. */
  readonly burst?: Burst;
  /** For `inspect`: `on:` by what, or `off:` and why. */
  readonly text: string;
}

/** @param start called at the first burst, with the end of a pipe that somebody is to read lines out of, and to close. */
export function wakefulnessOf(config: MountConfig, start: (readFd: number) => void): Wakefulness {
  const facts = awakeFacts();
  const why = config.awake === 'off' ? '-o awake=off' : whyNotAwake(facts);
  if (why !== undefined) return { text: `off: ${why}` };
  const fd = mayPoll(config, facts) ? openat(AT_FDCWD, LATENCY_DEVICE, O_WRONLY) : -1;
  if (fd >= 0) return { burst: new Burst(new LatencyWaker(fd)), text: `on: ${LATENCY_DEVICE}` };
  return { burst: new Burst(new SpinnerWaker(start)), text: 'on: a process of idle priority' };
}

function mayPoll(config: MountConfig, { setting, cpus }: AwakeFacts): boolean {
  return config.awake !== 'process' && setting !== 'process' && cpus <= MOST_POLLING_CPUS;
}

/** Holds the latency of all CPUs at 0: a write costs an interrupt each, so it is held until requests pause. */
class LatencyWaker implements Waker {
  readonly restMs = REST_MS;
  readonly #fd: number;
  readonly #value = Buffer.alloc(128);
  #isHeld = false;

  constructor(fd: number) {
    this.#fd = fd;
  }

  keepAwake(): void {
    if (!this.#isHeld) this.#set(0);
    this.#isHeld = true;
  }

  rest(): void {
    // PM_QOS_CPU_LATENCY_DEFAULT_VALUE of include/linux/pm_qos.h: as if the device were not open.
    if (this.#isHeld) this.#set(2_000_000_000);
    this.#isHeld = false;
  }

  #set(latencyUs: number): void {
    this.#value.writeInt32LE(latencyUs, 0);
    write(this.#fd, this.#value.subarray(0, 4));
  }
}

/** A line for each millisecond of a burst, in a pipe that is made at the first one. */
class SpinnerWaker implements Waker {
  readonly restMs = -1;
  readonly #start: (readFd: number) => void;
  readonly #count = Buffer.alloc(8);
  #writeFd = -1;
  #state: 'unused' | 'in use' | 'given up' = 'unused';

  constructor(start: (readFd: number) => void) {
    this.#start = start;
  }

  keepAwake(): void {
    if (this.#state === 'unused') this.#begin();
    if (this.#state === 'given up') return;
    ioctlBuffer(this.#writeFd, FIONREAD, this.#count);
    if (this.#count.readInt32LE(0) >= MOST_LINES) return;
    // EPIPE: the reader is gone, and nobody replaces it.
    if (write(this.#writeFd, LINE) >= 0) return;
    close(this.#writeFd);
    this.#state = 'given up';
  }

  rest(): void {
    // Each line ends by itself.
  }

  #begin(): void {
    const ends = pipe();
    this.#state = typeof ends === 'number' ? 'given up' : 'in use';
    if (typeof ends === 'number') return;
    this.#writeFd = ends.writeFd;
    this.#start(ends.readFd);
  }
}
