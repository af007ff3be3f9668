/** bpf(2), for the one kind of program that says which devices a cgroup's processes may open (cgroup version 2). */

import { addressOf, bind, settle } from './library.js';

const sysBpf = bind<(nr: number, command: number, attributes: Uint8Array, size: number) => number>(
  'syscall',
  'long',
  ['long', 'long', 'void *', 'long'],
);

const SYS_BPF = process.arch === 'arm64' ? 280 : 321;
const BPF_PROG_LOAD = 5;
const BPF_PROG_ATTACH = 8;
const BPF_PROG_TYPE_CGROUP_DEVICE = 15;
const BPF_CGROUP_DEVICE = 6;
const BPF_F_ALLOW_MULTI = 2;
/** union bpf_attr, as far as it is used; V8 does not move typed arrays of this size. */
const ATTRIBUTE_BYTES = 128;

/** @param program struct bpf_insn[]; copied by the kernel. @returns a descriptor, or a negated errno. */
export function loadDeviceProgram(program: Uint8Array): number {
  const instructions = Buffer.alloc(Math.max(program.length, ATTRIBUTE_BYTES));
  instructions.set(program);
  const license = Buffer.alloc(ATTRIBUTE_BYTES);
  license.write('MIT\0', 'latin1');
  const attributes = Buffer.alloc(ATTRIBUTE_BYTES);
  attributes.writeUInt32LE(BPF_PROG_TYPE_CGROUP_DEVICE, 0);
  attributes.writeUInt32LE(program.length / 8, 4);
  attributes.writeBigUInt64LE(addressOf(instructions), 8);
  attributes.writeBigUInt64LE(addressOf(license), 16);
  const result = settle(sysBpf(SYS_BPF, BPF_PROG_LOAD, attributes, ATTRIBUTE_BYTES));
  // They must live until here.
  instructions.fill(0);
  license.fill(0);
  return result;
}

/** The program stays with the cgroup when its descriptor is closed. */
export function attachDeviceProgram(cgroupFd: number, programFd: number): number {
  const attributes = Buffer.alloc(ATTRIBUTE_BYTES);
  attributes.writeUInt32LE(cgroupFd, 0);
  attributes.writeUInt32LE(programFd, 4);
  attributes.writeUInt32LE(BPF_CGROUP_DEVICE, 8);
  attributes.writeUInt32LE(BPF_F_ALLOW_MULTI, 12);
  return settle(sysBpf(SYS_BPF, BPF_PROG_ATTACH, attributes, ATTRIBUTE_BYTES));
}
