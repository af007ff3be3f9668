/** The processes of a container as ps(1) on the host shows them. */

import { execFile } from 'node:child_process';
import { readlinkSync } from 'node:fs';
import { promisify } from 'node:util';
import { hasCode } from '../../errno/error-code.js';
import { UserError } from '../../errno/user-error.js';
import type { ContainerRecord } from '../../store/container-record.js';
import type { Store } from '../../store/store.js';
import { processesIn } from '../end/processes.js';
import { noteContainer } from '../record/note-container.js';
import { containerStatus, mountPointOf } from '../record/status.js';

interface ProcessTable {
  readonly titles: readonly string[];
  /** A row has a cell for each title. */
  readonly rows: readonly (readonly string[])[];
}

const run = promisify(execFile);

/**
 * @param options of ps(1); its output must have a column PID.
 * @throws UserError when the container does not run, or ps fails.
 */
export async function topContainer(
  store: Store,
  record: ContainerRecord,
  options: readonly string[],
): Promise<ProcessTable> {
  const { status, pid } = containerStatus(store, record);
  if (status !== 'running') throw new UserError(`container '${record.name}' is not running`);
  const output = await runPs(options.length === 0 ? ['-ef'] : options);
  const own = pid === undefined ? undefined : pidNamespaceOf(pid);
  const inside = processesIn(mountPointOf(store, record));
  // The command's helpers have its root too, but stay outside of its pid namespace.
  const pids = new Set(
    inside.filter((each) => own === undefined || pidNamespaceOf(each) === own).map(String),
  );
  const [head = '', ...lines] = output.split('\n').filter((line) => line !== '');
  const titles = head.trim().split(/\s+/);
  const column = titles.indexOf('PID');
  if (column < 0)
    throw new UserError("cannot find the processes: the output of ps has no column 'PID'", {
      hint: 'ask ps for pid too',
    });
  const rows = lines
    .map((line) => cellsOf(line, titles.length))
    .filter((cells) => pids.has(cells[column] ?? ''));
  noteContainer(store, record, 'top');
  return { titles, rows };
}

/** @returns undefined for a process that is gone. */
function pidNamespaceOf(pid: number): string | undefined {
  try {
    return readlinkSync(`/proc/${pid}/ns/pid`);
  } catch (error) {
    if (hasCode(error, 'ENOENT', 'ESRCH')) return undefined;
    throw error;
  }
}

async function runPs(options: readonly string[]): Promise<string> {
  try {
    return (await run('ps', options, { maxBuffer: 64 << 20 })).stdout;
  } catch (error) {
    const { stderr } = error as { readonly stderr?: string };
    const [why = ''] = (stderr ?? '').trim().split('\n');
    const reason = hasCode(error, 'ENOENT') ? 'there is no ps on this host' : why;
    throw new UserError(`cannot run 'ps ${options.join(' ')}': ${reason}`, {
      cause: error,
      hint: 'ps is of the package procps',
    });
  }
}

/** The last cell takes what is left, blanks and all. */
function cellsOf(line: string, count: number): string[] {
  const words = line.trim().split(/\s+/);
  return [...words.slice(0, count - 1), words.slice(count - 1).join(' ')];
}
