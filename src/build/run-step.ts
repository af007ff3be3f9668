/**
 * RUN: a command in the tree, in exec form, as a line for the shell, or as a here-document.
 */

import { StartFailure } from '../container/start-process.js';
import { jsonForm } from '../image/words.js';
import type { ContainerMount } from '../store/container-record.js';
import type { FileLock } from '../store/lock.js';
import { type Instruction, wrongAt } from './dockerfile.js';
import { type PlannedMount, planRunMount, type RunMountTools } from './run-mounts.js';
import { runMounts } from './run-options.js';
import type { StageBuild } from './stage-build.js';
import type { WorkingTree } from './working-tree.js';

const DEFAULT_SHELL = ['/bin/sh', '-c'];
const DEFAULT_PATH = 'PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';
/** Where a script with an interpreter of its own is shown. */
const SCRIPTS = '/run/here-documents';

/** @throws UserError, also when the command fails. */
export async function runStep(
  tools: RunMountTools,
  build: StageBuild,
  instruction: Instruction,
): Promise<void> {
  const { state } = build;
  const { variables } = state;
  const wanted = runMounts(instruction, variables.lookup);
  if (instruction.text.trim() === '') throw wrongAt(instruction, 'it wants a command');
  const { command, script } = commandOf(instruction, state.config.Shell ?? DEFAULT_SHELL);
  const mounts = await Promise.all(wanted.map((mount) => planRunMount(tools, build, mount)));
  if (script !== undefined) mounts.push(scriptMount(script));
  const args = variables.cacheableArgs();
  const flags = wanted.map(({ spec }) => `--mount=${spec} `).join('');
  const environment = [...variables.argEnv(), ...(state.config.Env ?? [])];
  const hasPath = environment.some((entry) => entry.startsWith('PATH='));
  await build.files({
    createdBy: `RUN ${flags}${args.map((arg) => `${arg} `).join('')}${script?.content ?? command.join(' ')}`,
    parts: [JSON.stringify(command), ...args, ...mounts.map(({ key }) => key)],
    change: async (tree) => {
      const status = await runIn(tree, mounts, {
        command,
        environment: hasPath ? environment : [DEFAULT_PATH, ...environment],
        workingDirectory: state.config.WorkingDir || '/',
        user: state.config.User ?? '',
      }).catch((error: unknown) => {
        throw error instanceof StartFailure ? wrongAt(instruction, error.message) : error;
      });
      if (status !== 0) throw wrongAt(instruction, `the command ended with status ${status}`);
    },
  });
}

interface Command {
  readonly command: readonly string[];
  readonly environment: readonly string[];
  readonly workingDirectory: string;
  readonly user: string;
}

async function runIn(tree: WorkingTree, planned: readonly PlannedMount[], command: Command): Promise<number> {
  const held: FileLock[] = [];
  try {
    const mounts: ContainerMount[] = [];
    const environment = [...command.environment];
    for (const one of planned) {
      const attached = await one.attach(tree, held);
      if (attached.mount !== undefined) mounts.push(attached.mount);
      if (attached.environment !== undefined) environment.push(attached.environment);
    }
    return await tree.run({ ...command, environment }, mounts);
  } finally {
    for (const lock of held) lock[Symbol.dispose]();
  }
}

interface Script {
  readonly name: string;
  readonly content: string;
}

/** The JSON form, a here-document alone as a script, or a line for the shell. */
function commandOf(
  { text, heredocs }: Instruction,
  shell: readonly string[],
): { readonly command: readonly string[]; readonly script?: Script } {
  const [heredoc] = heredocs;
  const isScript = /^\s*<<-?(["']?)[\w.]+\1\s*\n/.test(text);
  if (!heredoc || heredocs.length > 1 || !isScript) {
    return { command: jsonForm(text.trim()) ?? [...shell, text.trim()] };
  }
  const { name, content } = heredoc;
  if (!content.startsWith('#!')) return { command: [...shell, content] };
  return { command: [`${SCRIPTS}/${name}`], script: { name, content } };
}

/** Shown to the command alone; the layer knows nothing of it. */
function scriptMount({ name, content }: Script): PlannedMount {
  const target = `${SCRIPTS}/${name}`;
  return {
    key: content,
    attach: (tree) => {
      const source = tree.addFile('script', Buffer.from(content), { mode: 0o755, uid: 0, gid: 0 });
      const common = { target, readOnly: true, spec: target, origin: 'mount', notices: [] } as const;
      const request = { ...common, type: 'bind', source, createSource: false, recursive: 'enabled' } as const;
      return { mount: { origin: 'mount', request } };
    },
  };
}
