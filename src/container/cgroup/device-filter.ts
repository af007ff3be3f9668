/**
 * Device rules take effect: written to the `devices` controller of version 1, or as a program of BPF that the kernel asks at
 * each opening and mknod(2), in version 2 (include/uapi/linux/bpf.h, struct bpf_cgroup_dev_ctx).
 */

import { closeSync, openSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { errnoText } from '../../errno/errno.js';
import { reasonOf } from '../../errno/reason.js';
import { attachDeviceProgram, loadDeviceProgram } from '../../linux/bpf.js';
import { type DeviceRule, formatDeviceRule } from './device-rules.js';
import { cannot, type PlannedCgroup } from './plan-cgroups.js';

/** @throws UserError */
export function setDeviceRules({ path, version }: PlannedCgroup, rules: readonly DeviceRule[]): void {
  if (version === 1) writeRules(path, rules);
  else attachProgram(path, encodeDeviceProgram(rules));
}

function writeRules(path: string, rules: readonly DeviceRule[]): void {
  try {
    writeFileSync(join(path, 'devices.deny'), 'a');
    for (const rule of rules) writeFileSync(join(path, 'devices.allow'), formatDeviceRule(rule));
  } catch (error) {
    throw cannot('--device', `the cgroup '${path}': ${reasonOf(error)}`);
  }
}

function attachProgram(path: string, program: Buffer): void {
  const cgroup = openSync(path, 'r');
  try {
    const loaded = loadDeviceProgram(program);
    if (loaded < 0) throw cannot('--device', `the kernel takes no device filter: ${errnoText(-loaded)}`);
    const attached = attachDeviceProgram(cgroup, loaded);
    closeSync(loaded);
    if (attached < 0)
      throw cannot('--device', `the cgroup '${path}' takes no device filter: ${errnoText(-attached)}`);
  } finally {
    closeSync(cgroup);
  }
}

const LOAD_WORD = 0x61;
const MOVE = 0xbc;
const AND = 0x54;
const SHIFT_RIGHT = 0x74;
const UNLESS_VALUE = 0x55;
const UNLESS_SAME = 0x5d;
const SET = 0xb7;
const EXIT = 0x95;

/** BPF_DEVCG_DEV_*; BPF_DEVCG_ACC_*. */
const TYPES = { b: 1, c: 2 } as const;
const ACCESS: Readonly<Record<string, number>> = { m: 1, r: 2, w: 4 };
const ALL_ACCESS = 7;

interface Operation {
  readonly code: number;
  readonly to?: number;
  readonly from?: number;
  readonly offset?: number;
  readonly value?: number;
}

/** Registers: 2 the kind, 3 what is asked for, 4 and 5 the numbers, 0 the answer. */
export function encodeDeviceProgram(rules: readonly DeviceRule[]): Buffer {
  const operations: Operation[] = [
    { code: LOAD_WORD, to: 2, from: 1, offset: 0 },
    { code: MOVE, to: 3, from: 2 },
    { code: SHIFT_RIGHT, to: 3, value: 16 },
    { code: AND, to: 2, value: 0xffff },
    { code: LOAD_WORD, to: 4, from: 1, offset: 4 },
    { code: LOAD_WORD, to: 5, from: 1, offset: 8 },
    ...rules.flatMap(ruleOperations),
    { code: SET, to: 0, value: 0 },
    { code: EXIT },
  ];
  return Buffer.concat(operations.map(encode));
}

function ruleOperations({ type, major, minor, access }: DeviceRule): Operation[] {
  const mask = [...new Set(access)].reduce((sum, letter) => sum + (ACCESS[letter] ?? 0), 0);
  const tests: Operation[] = [
    ...(type === 'a' ? [] : [{ code: UNLESS_VALUE, to: 2, value: TYPES[type] }]),
    ...(mask === ALL_ACCESS
      ? []
      : [
          { code: MOVE, to: 1, from: 3 },
          { code: AND, to: 1, value: mask },
          { code: UNLESS_SAME, to: 1, from: 3 },
        ]),
    ...(major === undefined ? [] : [{ code: UNLESS_VALUE, to: 4, value: major }]),
    ...(minor === undefined ? [] : [{ code: UNLESS_VALUE, to: 5, value: minor }]),
  ];
  const length = tests.length + 2;
  const isJump = ({ code }: Operation) => code === UNLESS_VALUE || code === UNLESS_SAME;
  return [
    // A test that fails goes on behind this rule.
    ...tests.map((test, index) => (isJump(test) ? { ...test, offset: length - index - 1 } : test)),
    { code: SET, to: 0, value: 1 },
    { code: EXIT },
  ];
}

function encode({ code, to = 0, from = 0, offset = 0, value = 0 }: Operation): Buffer {
  const out = Buffer.alloc(8);
  out.writeUInt8(code, 0);
  out.writeUInt8(to | (from << 4), 1);
  out.writeInt16LE(offset, 2);
  out.writeInt32LE(value, 4);
  return out;
}
