/**
 * RUN: a command in the tree, in exec form, as a line for the shell, or as a here-document.
 */

import { StartFailure } from '../container/start-process.js';
import { formatPlatform, hostPlatform } from '../image/platform.js';
import { jsonForm } from '../image/words.js';
import type { ContainerMount } from '../store/container-record.js';
import type { FileLock } from '../store/lock.js';
import { runsHere } from './build-platform.js';
import { type Instruction, wrongAt } from './dockerfile.js';
import { hereDocumentOf } from './here-documents.js';
import { cacheMount } from './run-caches.js';
import {
  bindMount,
  bindOf,
  type PlannedMount,
  type RunMountTools,
  secretMount,
  sshMount,
  tmpfsMount,
} from './run-mounts.js';
import { type RunSurroundings, surroundings } from './run-network.js';
import { type RunMount, type RunMountType, type RunNetwork, runOptions } from './run-options.js';
import type { StageBuild } from './stage-build.js';
import type { WorkingTree } from './working-tree.js';

const DEFAULT_SHELL = ['/bin/sh', '-c'];
const DEFAULT_PATH = 'PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';
/** Where a script with an interpreter of its own is shown. */
const SCRIPTS = '/run/here-documents';

/** @throws UserError, also when the command fails. */
export async function runStep(tools: RunTools, build: StageBuild, instruction: Instruction): Promise<void> {
  const { state } = build;
  const { variables } = state;
  const { mounts: wanted, network = tools.network } = runOptions(instruction, variables.lookup);
  if (instruction.text === '') throw wrongAt(instruction, 'it wants a command');
  if (!runsHere(state.platform)) {
    const [its, ours] = [state.platform, hostPlatform()].map(formatPlatform);
    throw wrongAt(instruction, `programs of ${its} cannot run on this host, which is ${ours}`);
  }
  const { command, script } = commandOf(instruction, state.config.Shell ?? DEFAULT_SHELL);
  const mounts = await Promise.all(wanted.map(async (mount) => PLANS[mount.type](tools, build, mount)));
  if (script !== undefined) mounts.push(scriptMount(script));
  const around = surroundings(
    tools,
    wanted.map(({ target }) => target && build.absolute(target)),
  );
  const args = variables.cacheableArgs();
  const environment = [...variables.argEnv(), ...(state.config.Env ?? [])];
  const hasPath = environment.some((entry) => entry.startsWith('PATH='));
  await build.files({
    createdBy: `RUN ${historyLine({ wanted, args, line: script?.content ?? command.join(' ') })}`,
    parts: [JSON.stringify([command, network]), ...args, ...mounts.map(({ key }) => key)],
    change: async (tree) => {
      const status = await runIn(tree, [...around, ...mounts], {
        command,
        environment: hasPath ? environment : [DEFAULT_PATH, ...environment],
        workingDirectory: state.config.WorkingDir || '/',
        user: state.config.User ?? '',
        network: network === 'none' ? network : undefined,
      }).catch((error: unknown) => {
        throw error instanceof StartFailure ? wrongAt(instruction, error.message) : error;
      });
      if (status !== 0) throw wrongAt(instruction, `the command ended with status ${status}`);
    },
  });
}

export interface RunTools extends RunMountTools, RunSurroundings {
  /** Of RUNs that do not say; undefined: the host's. */
  readonly network?: RunNetwork | undefined;
}

type Plan = (
  tools: RunMountTools,
  build: StageBuild,
  mount: RunMount,
) => Promise<PlannedMount> | PlannedMount;

const PLANS: Readonly<Record<RunMountType, Plan>> = {
  bind: bindMount,
  cache: cacheMount,
  secret: secretMount,
  ssh: sshMount,
  tmpfs: (_, build, mount) => tmpfsMount(build, mount),
};

interface HistoryLine {
  readonly wanted: readonly RunMount[];
  /** `NAME=VALUE` */
  readonly args: readonly string[];
  readonly line: string;
}

/** Docker's form: how many build arguments there are, and which, stands before the command. */
function historyLine({ wanted, args, line }: HistoryLine): string {
  const flags = wanted.map(({ spec }) => `--mount=${spec}`);
  return [...flags, ...(args.length === 0 ? [] : [`|${args.length}`, ...args]), line].join(' ');
}

interface Command {
  readonly command: readonly string[];
  readonly environment: readonly string[];
  readonly workingDirectory: string;
  readonly user: string;
  readonly network: 'none' | undefined;
}

async function runIn(
  tree: WorkingTree,
  planned: readonly PlannedMount[],
  { network, ...command }: Command,
): Promise<number> {
  const held: FileLock[] = [];
  try {
    const mounts: ContainerMount[] = [];
    const environment = [...command.environment];
    for (const one of planned) {
      const attached = await one.attach(tree, held);
      if (attached.mount !== undefined) mounts.push(attached.mount);
      if (attached.environment !== undefined) environment.push(attached.environment);
    }
    return await tree.run({ ...command, environment }, { mounts, network });
  } finally {
    for (const lock of held) lock[Symbol.dispose]();
  }
}

interface Script {
  readonly name: string;
  readonly content: string;
}

/** The JSON form, a here-document alone as a script, or a line for the shell, which reads here-documents itself. */
function commandOf(
  { text, heredocs }: Instruction,
  shell: readonly string[],
): { readonly command: readonly string[]; readonly script?: Script } {
  const [heredoc] = heredocs;
  if (heredoc === undefined) return { command: jsonForm(text) ?? [...shell, text] };
  if (heredocs.length > 1 || hereDocumentOf(text) === undefined) {
    const documents = heredocs.map(({ raw, name }) => `${raw}${name}`);
    return { command: [...shell, [text, ...documents].join('\n')] };
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
      return bindOf({ target, readOnly: true, spec: target, origin: 'mount', notices: [] }, source);
    },
  };
}
