/**
 * RUN: a command in the tree, in exec form, as a line for the shell, or as a here-document.
 */

import { StartFailure } from '../../../container/command/start-failure.js';
import type { ContentSource } from '../../../container/enter/enter-request.js';
import { type Instruction, wrongAt } from '../../../dockerfile/dockerfile.js';
import { hereDocumentOf } from '../../../dockerfile/here-documents.js';
import { jsonForm } from '../../../dockerfile/words.js';
import { formatPlatform, hostPlatform } from '../../../image/oci/platform.js';
import type { ContainerMount } from '../../../store/container-record.js';
import type { FileLock } from '../../../store/lock.js';
import { runsHere } from '../../stage/build-platform.js';
import type { StageBuild } from '../../stage/stage-build.js';
import type { WorkingTree } from '../../stage/working-tree.js';
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

const DEFAULT_SHELL = ['/bin/sh', '-c'];
const DEFAULT_PATH = 'PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';
/** Where a script with an interpreter of its own is shown. */
const SCRIPTS = '/run/here-documents';

/** @throws UserError, also when the command fails. */
export async function runStep(tools: RunTools, build: StageBuild, instruction: Instruction): Promise<void> {
  const { state } = build;
  const { variables } = state;
  const options = runOptions(instruction, variables.lookup);
  const { mounts: wanted, network = tools.network, isInsecure } = options;
  if (isInsecure && !tools.allowed.has(INSECURE)) throw notAllowed(instruction);
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
    createdBy: `RUN ${historyLine({ wanted, isInsecure, args, line: script?.content ?? command.join(' ') })}`,
    parts: [
      JSON.stringify([command, network]),
      ...args,
      ...mounts.map(({ key }) => key),
      ...(isInsecure ? [INSECURE] : []),
    ],
    change: async (tree) => {
      const status = await runIn(tree, [...around, ...mounts], {
        command,
        environment: hasPath ? environment : [DEFAULT_PATH, ...environment],
        workingDirectory: state.config.WorkingDir || '/',
        user: state.config.User ?? '',
        network: network === 'none' ? network : undefined,
        privileged: isInsecure,
        outputFd: tools.outputFd,
      }).catch((error: unknown) => {
        throw error instanceof StartFailure ? wrongAt(instruction, error.message) : error;
      });
      if (status !== 0) throw wrongAt(instruction, `the command ended with status ${status}`);
    },
  });
}

/** The entitlement that a RUN with all rights needs. */
const INSECURE = 'security.insecure';

function notAllowed(instruction: Instruction): Error {
  return wrongAt(instruction, `'--security=insecure' is not allowed; give the build --allow ${INSECURE}`);
}

interface RunTools extends RunMountTools, RunSurroundings {
  /** `--allow` of the build. */
  readonly allowed: ReadonlySet<string>;
  /** The network of RUNs that name none; undefined: the host's. */
  readonly network?: RunNetwork | undefined;
  /** Where commands print. */
  readonly outputFd?: number | undefined;
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
  readonly isInsecure: boolean;
  /** `NAME=VALUE` */
  readonly args: readonly string[];
  readonly line: string;
}

/** Docker's form: how many build arguments there are, and which, stands before the command. */
function historyLine({ wanted, isInsecure, args, line }: HistoryLine): string {
  const flags = wanted.map(({ spec }) => `--mount=${spec}`);
  if (isInsecure) flags.push('--security=insecure');
  return [...flags, ...(args.length === 0 ? [] : [`|${args.length}`, ...args]), line].join(' ');
}

interface Command {
  readonly command: readonly string[];
  readonly environment: readonly string[];
  readonly workingDirectory: string;
  readonly user: string;
  readonly network: 'none' | undefined;
  readonly privileged: boolean;
  readonly outputFd: number | undefined;
}

async function runIn(
  tree: WorkingTree,
  planned: readonly PlannedMount[],
  { network, privileged, outputFd, ...command }: Command,
): Promise<number> {
  const held: FileLock[] = [];
  try {
    const mounts: ContainerMount[] = [];
    const contents = new Map<string, ContentSource>();
    const environment = [...command.environment];
    for (const one of planned) {
      const { mount, content, environment: variable } = await one.attach(tree, held);
      if (mount !== undefined) mounts.push(mount);
      if (mount !== undefined && content !== undefined) contents.set(mount.request.target, content);
      if (variable !== undefined) environment.push(variable);
    }
    return await tree.run({ ...command, environment }, { mounts, network, privileged, contents, outputFd });
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
