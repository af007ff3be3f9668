/**
 * questions.pl, asked in a container: an answer by question, in a form that does not depend on the host. `refused` is any of
 * the errnos that say so; which of them depends on what of several walls is met first, and on the kernel's configuration.
 */

import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, readFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { projectRoot } from '../helpers/project-paths.js';

const FOLDER = `${projectRoot}/test/isolation`;
const REFUSALS = /^(?:EPERM|EACCES|EROFS|ENOENT|ENOSYS|ENOTDIR)$/;
/** Answers for files that are covered: nothing can be read, whether the kernel has them or not. */
const HIDDEN = /^(?:refused|empty)$/;

export type Answers = ReadonlyMap<string, string>;

/** What the questions print, or a file of it. */
export function parseAnswers(text: string): Answers {
  const lines = text.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
  return new Map(
    lines.map((line) => {
      const [, name = line, answer = ''] = /^(.*?): (.*)$/.exec(line) ?? [];
      return [name, classOf(name, answer)];
    }),
  );
}

function classOf(name: string, answer: string): string {
  const plain = REFUSALS.test(answer) ? 'refused' : answer;
  if (/^(?:read|list) \/(?:proc|sys)/.test(name) && HIDDEN.test(plain)) return 'hidden';
  // A place that this kernel does not have is not mounted over.
  if (/^mount \/(?:proc|sys)\/./.test(name))
    return plain.replace(/^\S+ .*\bro\b.*$/, 'covered').replace('none', 'covered');
  // Only kernels with /proc/kcore have it.
  if (name === 'list /dev') return plain.replace(/^core,/, '');
  // Kernels differ in which families they have.
  if (name.startsWith('socket ') && /^E(?:AFNOSUPPORT|PROTONOSUPPORT)$/.test(plain)) return 'ok';
  return plain;
}

/** Docker's, as they were measured (20.10, Linux 6.18). */
export function dockerAnswers(): Answers {
  return parseAnswers(readFileSync(`${FOLDER}/docker-answers.txt`, 'utf8'));
}

/** What plyfs answers in another way, on purpose. */
export const DEVIATIONS: Answers = new Map([
  // No CAP_MKNOD: a device cgroup not everybody can have.
  ['status CapPrm', '00000000a00425fb'],
  ['status CapEff', '00000000a00425fb'],
  ['status CapBnd', '00000000a00425fb'],
  // Docker has a tmpfs there that can be written to; what covers files is the host's node, which must not be changed.
  ['mkdir /sys/fs/cgroup/x', 'refused'],
  ['chmod /proc/keys', 'refused'],
  ['mount /proc/keys', 'covered'],
  ['mount /proc/timer_list', 'covered'],
  // Later profiles of Docker refuse them as well.
  ['io_uring_setup', 'refused'],
  ['ioctl TIOCSTI', 'refused'],
  ['socket vsock', 'refused'],
  // Since Docker 28: interrupts tell when keys are pressed.
  ['read /proc/interrupts', 'hidden'],
  ['open >> /sys/fs/cgroup/release_agent', 'refused'],
  // Docker's root has the host's as its master.
  ['mounts that propagate', '0'],
  // Later profiles of Docker allow them; they do nothing to others.
  ['cachestat', 'EBADF'],
  ['mseal', 'EINVAL'],
  ['TIOCLINUX', 'refused'],
]);

/** What an ordinary user's container gets less of: what belongs to root of the host, sockets on the host's network. */
export const ROOTLESS: Answers = new Map([
  ['read /proc/kpagecount', 'hidden'],
  // The mount is of another user namespace, and so is the network.
  ...['setxattr security.capability', 'SO_MARK', 'IP_TRANSPARENT'].map((name) => [name, 'refused'] as const),
  ...['raw', 'packet', 'xdp'].map((name) => [`socket ${name}`, 'refused'] as const),
]);

/** Gives a root directory perl with its libraries, and the questions as `/questions.pl`. */
export function fillQuestions(directory: string): void {
  const { stdout } = spawnSync('ldd', ['/usr/bin/perl'], { encoding: 'utf8' });
  const libraries = [...stdout.matchAll(/(\/\S+)/g)].map(([path]) => path);
  for (const path of ['/usr/bin/perl', ...libraries]) {
    mkdirSync(dirname(`${directory}${path}`), { recursive: true });
    cpSync(path, `${directory}${path}`, { dereference: true });
  }
  cpSync(`${FOLDER}/questions.pl`, `${directory}/questions.pl`);
}

export const ASK = ['/usr/bin/perl', '/questions.pl'];
