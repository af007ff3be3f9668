/** The few programs that cases run to walk or to remove trees, in the calls that these make. All others are not done in-process. */

import type { ProgramResult } from '../helpers/operations/process-operations.js';
import type { MountOperations } from './mount-operations.js';

type Walking = Pick<MountOperations, 'lstat' | 'names' | 'rmdir' | 'unlink' | 'exists'>;

/** @returns undefined for a program, or a use of one, that is not here. */
export function runProgram(fs: Walking, program: string, args: readonly string[]): ProgramResult | undefined {
  const [first = '', second = '', ...rest] = args;
  if (program === 'rm' && first === '-rf' && second === '--') return removeTree(fs, rest[0] ?? '');
  if (program === 'rm' && first === '-rf') return removeTree(fs, second);
  if (program === 'find' && rest.join(' ') === '1 -printf %P\\n') return printed(below(fs, first, ''));
  if (program === 'stat' && `${first} ${second}` === '-c %a')
    return printed(rest.map((path) => fs.lstat(path).mode.toString(8)));
  return undefined;
}

function printed(lines: readonly string[]): ProgramResult {
  return { status: 0, stdout: lines.map((line) => `${line}\n`).join(''), stderr: '', code: undefined };
}

function removeTree(fs: Walking, path: string): ProgramResult {
  if (!fs.exists(path)) return printed([]);
  try {
    remove(fs, path);
    return printed([]);
  } catch (error) {
    return { status: 1, stdout: '', stderr: `${(error as Error).message}\n`, code: undefined };
  }
}

function remove(fs: Walking, path: string): void {
  if (fs.lstat(path).type !== 'dir') {
    fs.unlink(path);
    return;
  }
  for (const name of fs.names(path)) remove(fs, `${path}/${name}`);
  fs.rmdir(path);
}

function below(fs: Walking, path: string, shown: string): string[] {
  return fs.names(path).flatMap((name) => {
    const [at, as] = [`${path}/${name}`, shown === '' ? name : `${shown}/${name}`];
    return fs.lstat(at).type === 'dir' ? [as, ...below(fs, at, as)] : [as];
  });
}
