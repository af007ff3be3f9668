/** Jobs as words of a slot, and back. */

import type { Name } from '../../vfs/name.js';
import type { JobSpec } from '../../vfs/wait.js';
import {
  jobNameAt,
  KIND,
  NAME_BYTES,
  NAME_LENGTH,
  OPTION,
  SIZE_HIGH,
  SIZE_LOW,
  SOURCE,
  slotAt,
  TARGET,
} from './job-slots.js';

/** In the order of their numbers, from 1 on. */
const KINDS = [
  'copy',
  'fsync',
  'read',
  'truncate',
  'probe',
  'close',
  'remove',
  'syncfs',
  'reach',
  'list',
  'look',
] as const;

export function encodeSpec(words: Int32Array, index: number, spec: JobSpec): void {
  const slot = slotAt(index);
  if (spec.kind === 'pause') throw new Error('a pause needs no helper');
  words[slot + KIND] = KINDS.indexOf(spec.kind) + 1;
  switch (spec.kind) {
    case 'copy':
      words[slot + SOURCE] = spec.source;
      words[slot + TARGET] = spec.target;
      putSize(words, slot, spec.sizeBytes);
      words[slot + OPTION] = spec.durable ? 1 : 0;
      return;
    case 'read':
      putSize(words, slot, spec.offset);
      words[slot + OPTION] = spec.length;
      break;
    case 'truncate':
      putSize(words, slot, spec.sizeBytes);
      break;
    case 'fsync':
      words[slot + OPTION] = spec.dataOnly ? 1 : 0;
      break;
    case 'remove':
    case 'list':
    case 'look':
      putName(words, index, spec.name);
  }
  words[slot + SOURCE] = 'fd' in spec ? spec.fd : spec.dirfd;
}

export function decodeSpec(words: Int32Array, index: number): JobSpec {
  const slot = slotAt(index);
  const fd = words[slot + SOURCE]!;
  const sizeBytes = (words[slot + SIZE_LOW]! >>> 0) + words[slot + SIZE_HIGH]! * 2 ** 32;
  const option = words[slot + OPTION]!;
  const kind = KINDS[words[slot + KIND]! - 1];
  switch (kind) {
    case 'copy':
      return { kind, source: fd, target: words[slot + TARGET]!, sizeBytes, durable: option === 1 };
    case 'fsync':
      return { kind, fd, dataOnly: option === 1 };
    case 'read':
      return { kind, fd, offset: sizeBytes, length: option };
    case 'truncate':
      return { kind, fd, sizeBytes };
    case 'probe':
    case 'reach':
      return { kind, fd, device: 0 };
    case 'close':
    case 'syncfs':
      return { kind, fd };
    case 'remove':
      return { kind, dirfd: fd, name: takeName(words, index) };
    case 'list':
    case 'look':
      return { kind, dirfd: fd, name: takeName(words, index), device: 0 };
    default:
      throw new Error(`no job of kind ${words[slot + KIND]}`);
  }
}

function putSize(words: Int32Array, slot: number, size: number): void {
  words[slot + SIZE_LOW] = size >>> 0;
  words[slot + SIZE_HIGH] = Math.floor(size / 2 ** 32);
}

function putName(words: Int32Array, index: number, name: Name): void {
  if (name.length > NAME_BYTES) throw new Error(`a name of ${name.length} bytes`);
  words[slotAt(index) + NAME_LENGTH] = name.length;
  jobNameAt(words, index).write(name, 'latin1');
}

function takeName(words: Int32Array, index: number): Name {
  return jobNameAt(words, index).toString('latin1', 0, words[slotAt(index) + NAME_LENGTH]!);
}
