/** The filter of system calls: the program that the kernel gets, run here by an interpreter of its instructions. */

import { describe, expect, it } from 'vitest';
import { encodeProgram, seccompProgram } from '../../../src/container/enter/seccomp/filter.js';
import { REFUSALS } from '../../../src/container/enter/seccomp/profile.js';
import { AUDIT_ARCH, syscallNumber } from '../../../src/container/enter/seccomp/syscall-numbers.js';
import { ENOSYS, EPERM } from '../../../src/errno/errno.js';

type Architecture = keyof typeof AUDIT_ARCH;

interface Call {
  readonly architecture: Architecture | number;
  readonly name: string | number;
  readonly args?: readonly number[];
}

/** What the kernel answers: 0 when the call goes on, else an errno. */
function answerTo(
  { architecture, name, args = [] }: Call,
  capabilities: number[] = [],
  arch = 'x64',
): number {
  const bytes = encodeProgram(seccompProgram(new Set(capabilities), arch));
  const data = Buffer.alloc(64);
  data.writeInt32LE(typeof name === 'number' ? name : syscallNumber(name, architecture as Architecture)!, 0);
  data.writeUInt32LE(typeof architecture === 'number' ? architecture : AUDIT_ARCH[architecture], 4);
  for (const [index, value] of args.entries())
    data.writeBigUInt64LE(BigInt.asUintN(64, BigInt(value)), 16 + 8 * index);
  let accumulator = 0;
  for (let at = 0; at < bytes.length; ) {
    const code = bytes.readUInt16LE(at);
    const [jt, jf] = [bytes[at + 2]!, bytes[at + 3]!];
    const k = bytes.readUInt32LE(at + 4);
    at += 8;
    if (code === 0x20) accumulator = data.readUInt32LE(k);
    else if (code === 0x05) at += 8 * k;
    else if (code === 0x15) at += 8 * (accumulator === k ? jt : jf);
    else if (code === 0x25) at += 8 * (accumulator > k ? jt : jf);
    else if (code === 0x45) at += 8 * ((accumulator & k) !== 0 ? jt : jf);
    else if (code === 0x06) return k === 0x7fff0000 ? 0 : k & 0xffff;
    else throw new Error(`instruction ${code}`);
  }
  throw new Error('the program has no end');
}

const SYS_ADMIN = 21;

describe.each([
  ['x86_64', 'x64'],
  ['i386', 'x64'],
  ['aarch64', 'arm64'],
] as const)('of %s', (architecture, arch) => {
  const ask = (name: string | number, args: number[] = [], capabilities: number[] = []) =>
    answerTo({ architecture, name, args }, capabilities, arch);

  it('refuses each call of the table that has no condition, and only to who lacks its capabilities', () => {
    for (const { names, unless = [], when, answer } of REFUSALS) {
      if (when !== undefined) continue;
      for (const name of names.filter((one) => syscallNumber(one, architecture) !== undefined)) {
        expect([name, ask(name)]).toEqual([name, answer === 'ENOSYS' ? ENOSYS : EPERM]);
        for (const one of unless) expect([name, ask(name, [], [one])]).toEqual([name, 0]);
      }
    }
  });

  it('lets a process be made, and no namespace with it', () => {
    expect(ask('clone', [0x1200011])).toBe(0);
    for (const flag of [0x20000, 0x2000000, 0x4000000, 0x8000000, 0x10000000, 0x20000000, 0x40000000]) {
      expect([flag, ask('clone', [flag | 17])]).toEqual([flag, EPERM]);
      expect([flag, ask('clone', [flag | 17], [SYS_ADMIN])]).toEqual([flag, 0]);
    }
    expect(ask('clone3')).toBe(ENOSYS);
  });

  it('judges by arguments', () => {
    expect(ask('socket', [1])).toBe(0);
    expect(ask('socket', [40])).toBe(EPERM);
    expect(ask('ioctl', [0, 0x5401])).toBe(0);
    expect(ask('ioctl', [0, 0x5412])).toBe(EPERM);
    expect(ask('ioctl', [0, 0x5412 + 2 ** 32])).toBe(EPERM);
    expect(ask('personality', [0xffffffff])).toBe(0);
    expect(ask('personality', [8])).toBe(0);
    expect(ask('personality', [0x40000])).toBe(EPERM);
  });

  it('knows no call newer than the table', () => {
    expect(ask(466)).toBe(0);
    expect(ask(467)).toBe(ENOSYS);
    expect(ask(0x7fffffff)).toBe(ENOSYS);
  });
});

it('refuses x32, and programs of other architectures', () => {
  expect(answerTo({ architecture: 'x86_64', name: 0x40000000 + 39 })).toBe(ENOSYS);
  expect(answerTo({ architecture: 0x28, name: 20 })).toBe(ENOSYS);
});

it('allows what programs live by', () => {
  // read, write, open, mmap, execve, exit, kill, chroot, ptrace, mknod, futex, epoll_wait
  for (const name of [0, 1, 2, 9, 59, 60, 62, 161, 101, 133, 202, 232])
    expect([name, answerTo({ architecture: 'x86_64', name })]).toEqual([name, 0]);
});
