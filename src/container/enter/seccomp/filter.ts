/**
 * The seccomp filter of a container's command: the profile as a program of the kernel's classic BPF.
 * Linux: kernel/seccomp.c, include/uapi/linux/{filter,seccomp}.h v6.18.
 *
 * For each architecture: calls in the table, one after the other, then whatever is newer, then allowed. What it
 * costs a call stands in README.md.
 */

import { ENOSYS, EPERM } from '../../../errno/errno.js';
import { type ArgumentTest, REFUSALS } from './profile.js';
import { type Architecture, AUDIT_ARCH, NEWEST, syscallNumber } from './syscall-numbers.js';

/** struct sock_filter: u16 code, u8 jt, u8 jf, u32 k. */
interface BpfInstruction {
  readonly code: number;
  readonly jt: number;
  readonly jf: number;
  readonly k: number;
}

const LOAD = 0x20; // BPF_LD | BPF_W | BPF_ABS
const JUMP_EQUAL = 0x15; // BPF_JMP | BPF_JEQ | BPF_K
const JUMP_ABOVE = 0x25; // BPF_JMP | BPF_JGT | BPF_K
const JUMP_ANY_BIT = 0x45; // BPF_JMP | BPF_JSET | BPF_K
const RETURN = 0x06; // BPF_RET | BPF_K

const ALLOW = 0x7fff_0000;
const ERRNO = 0x0005_0000;

/** struct seccomp_data: int nr, u32 arch, u64 instruction_pointer, u64 args[6]; little-endian. */
const NUMBER_AT = 0;
const ARCHITECTURE_AT = 4;
const ARGUMENTS_AT = 16;

const FAMILIES: Readonly<Record<string, readonly Architecture[]>> = {
  x64: ['x86_64', 'i386'],
  arm64: ['aarch64'],
};

/** @param capabilities numbers (CAP_*) that the command may come to have. */
export function seccompProgram(
  capabilities: ReadonlySet<number>,
  arch: string = process.arch,
): readonly BpfInstruction[] {
  const sections = (FAMILIES[arch] ?? []).map((one) => ({
    arch: AUDIT_ARCH[one],
    body: sectionOf(one, capabilities),
  }));
  return [
    load(ARCHITECTURE_AT),
    ...sections.flatMap(({ arch: number, body }) => [
      // Jumps reach 255 instructions; a longer section is jumped over by an instruction of its own.
      { code: JUMP_EQUAL, jt: 1, jf: 0, k: number },
      { code: JUMP_ALWAYS, jt: 0, jf: 0, k: body.length },
      ...body,
    ]),
    // Programs of another architecture than these cannot run.
    refuse(ENOSYS),
  ];
}

const JUMP_ALWAYS = 0x05; // BPF_JMP | BPF_JA

function sectionOf(architecture: Architecture, capabilities: ReadonlySet<number>): BpfInstruction[] {
  const out: BpfInstruction[] = [load(NUMBER_AT)];
  for (const { names, unless = [], when, answer } of REFUSALS) {
    if (unless.some((capability) => capabilities.has(capability))) continue;
    const refusal = refuse(answer === 'ENOSYS' ? ENOSYS : EPERM);
    for (const name of names) {
      const number = syscallNumber(name, architecture);
      if (number !== undefined) out.push(...rule(number, when, refusal));
    }
  }
  // Above all numbers are those of x32 too.
  out.push({ code: JUMP_ABOVE, jt: 0, jf: 1, k: NEWEST }, refuse(ENOSYS), {
    code: RETURN,
    jt: 0,
    jf: 0,
    k: ALLOW,
  });
  return out;
}

/** The number is in the accumulator before, and after where the program goes on. */
function rule(number: number, when: ArgumentTest | undefined, refusal: BpfInstruction): BpfInstruction[] {
  if (when === undefined) return [{ code: JUMP_EQUAL, jt: 0, jf: 1, k: number }, refusal];
  const tests = testsOf(when);
  // load, tests, allow, refuse
  const length = 1 + tests.length + 2;
  return [
    { code: JUMP_EQUAL, jt: 0, jf: length, k: number },
    load(ARGUMENTS_AT + 8 * when.index),
    ...tests,
    { code: RETURN, jt: 0, jf: 0, k: ALLOW },
    refusal,
  ];
}

/** Jumps to the instruction after next behind the last of them where the call is refused, to the next where it is allowed. */
function testsOf({ is, values }: ArgumentTest): BpfInstruction[] {
  const code = is === 'has-one-of-bits' ? JUMP_ANY_BIT : JUMP_EQUAL;
  return values.map((k, index) => {
    const behind = values.length - 1 - index;
    const isLast = behind === 0;
    if (is === 'not-one-of') return { code, jt: behind, jf: isLast ? 1 : 0, k };
    return { code, jt: behind + 1, jf: 0, k };
  });
}

function load(offset: number): BpfInstruction {
  return { code: LOAD, jt: 0, jf: 0, k: offset };
}

function refuse(errno: number): BpfInstruction {
  return { code: RETURN, jt: 0, jf: 0, k: ERRNO | errno };
}

/** The program as the kernel takes it. */
export function encodeProgram(program: readonly BpfInstruction[]): Buffer {
  const out = Buffer.alloc(program.length * 8);
  for (const [index, { code, jt, jf, k }] of program.entries()) {
    out.writeUInt16LE(code, index * 8);
    out.writeUInt8(jt, index * 8 + 2);
    out.writeUInt8(jf, index * 8 + 3);
    out.writeUInt32LE(k >>> 0, index * 8 + 4);
  }
  return out;
}
