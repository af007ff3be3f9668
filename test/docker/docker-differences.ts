/**
 * Where plyfs differs from Docker on purpose: which case, in what, and why; and which words it has of its own.
 *
 * INVARIANT: an entry that no longer differs, or a wording that nobody says, fails the run: the tables tell what is so.
 */

export type Part = 'status' | 'stdout' | 'stderr';

export interface Difference {
  readonly case: string;
  readonly parts: readonly Part[];
  readonly reason: string;
}

const STATUS = 'semantics.md section 1: other commands than run, create and exec end with 0 or 1';
const NO_HANDLER =
  'a signal that ends a process by default ends the command too, though it is process 1 and has no handler; Docker waits, then kills';
const OF_20_10 = 'Docker 20.10 alone does so; later ones do as plyfs';

export const differences: readonly Difference[] = [
  {
    case: 'volumes: ls as a table',
    parts: ['stdout'],
    reason: 'a column more: USED BY, which Docker users have to look for with ps and a filter',
  },
  { case: 'volumes: ls with nothing', parts: ['stdout'], reason: 'the same column' },
  {
    case: 'images: images with ids',
    parts: ['stdout'],
    reason: 'the digest is that of the manifest that the store has, also of what was never in a registry',
  },
  {
    case: 'images: images by template',
    parts: ['stdout'],
    reason: 'how many containers have an image is known without a walk, so it is told',
  },
  {
    case: 'images: history',
    parts: ['stdout'],
    reason: 'the history says what made the layer, where Docker has nothing',
  },
  {
    case: 'images: history of a commit',
    parts: ['stdout'],
    reason: 'the same, and the file it was imported from',
  },
  {
    case: 'inspect: mistakes in templates',
    parts: ['stdout'],
    reason: STATUS,
  },
  { case: 'lists: ps with a filter that is none', parts: ['stdout'], reason: STATUS },
  {
    case: 'binds: tmpfs does not show in diff',
    parts: ['stdout'],
    reason: 'mount points are virtual: semantics.md section 3',
  },
  {
    case: 'binds: inspect of tmpfs',
    parts: ['stdout'],
    reason: 'all mounts are in one list; HostConfig.Tmpfs has those of --tmpfs too, as Docker',
  },
  { case: 'lists: unknown option', parts: ['stdout'], reason: STATUS },
  { case: 'binds: empty part', parts: ['stdout', 'stderr'], reason: `an empty part is refused; ${OF_20_10}` },
  {
    case: 'run: stop signal of the container',
    parts: ['stdout'],
    reason: 'a signal has one spelling in plyfs, SIGUSR1',
  },
  { case: 'run: a signal without a handler', parts: ['stdout'], reason: NO_HANDLER },
  { case: 'run: stop without a handler', parts: ['stdout'], reason: NO_HANDLER },
  {
    case: 'run: a device that is not there',
    parts: ['stdout'],
    reason:
      '125: 127 means that the program is not there; Docker takes any message with "no such file" for that',
  },
  {
    case: 'run: a label file with a key alone',
    parts: ['stdout'],
    reason:
      "a key alone is a label without a value, as Docker's documentation has it; its command line drops it",
  },
  {
    case: 'files: cp of a container without a path',
    parts: ['stdout'],
    reason: 'CONTAINER: alone is the root; Docker has an error for it',
  },
  {
    case: 'lists: system df -v as JSON',
    parts: ['stdout'],
    reason:
      'a record a line for each thing, as all lists, with sizes in bytes; Docker has one record of lists',
  },
  {
    case: 'run: rename',
    parts: ['stderr'],
    reason: 'one error is one line; Docker says besides that renaming has failed',
  },
  {
    case: 'files: commit leaves volumes out',
    parts: ['status', 'stdout', 'stderr'],
    reason: 'mount points are virtual and leave nothing in the image: semantics.md section 3',
  },
  {
    case: 'files: cp keeps mode, and owner with -a',
    parts: ['stdout'],
    reason:
      "without -a the files belong to root, as Docker's documentation has it; its daemon keeps the numbers of the host",
  },
  {
    case: 'run: exec',
    parts: ['stdout'],
    reason: `a program that is not found is 127, nothing of it on standard output; ${OF_20_10}`,
  },
];

export interface Wording {
  /** Found in what Docker says, in lower case and without quotes. */
  readonly docker: RegExp;
  /** What plyfs says in its place. */
  readonly plyfs: string;
}

/** Errors begin with what was to be done and to what (style.md), name the whole spec, and give a hint. */
export const wordings: readonly Wording[] = [
  { docker: /^no such image: ([a-z]+):latest$/, plyfs: 'no such image: $1' },
  { docker: /^open ([^ ]+): (.*)$/, plyfs: 'cannot read $1: $2' },
  {
    docker: /^(frob) is not a valid change command$/,
    plyfs: 'invalid change $1 x: it is none of the instructions allowed',
  },
  {
    docker:
      /^error parsing reference: (bad) is not a valid repository\/tag: invalid reference format: repository name must be lowercase$/,
    plyfs: 'invalid reference format: $1: the name must be lowercase',
  },
  {
    docker: /^error parsing reference: (a b) is not a valid repository\/tag: invalid reference format$/,
    plyfs: 'invalid reference format: $1: $1 is no name',
  },
  { docker: /^no such container (\w+)$/, plyfs: 'no such container: $1' },
  { docker: /^invalid argument (frob) for -f, --filter flag: /, plyfs: 'invalid filter $1: ' },
  { docker: /^invalid filter (\w+)=\[(\w+)\]$/, plyfs: 'invalid filter $1=$2' },
  {
    docker:
      /^create (a b): a b includes invalid characters for a local volume name, only (\S+) are allowed\..*$/,
    plyfs: 'invalid volume name $1: only $2+ is allowed (two characters at least)',
  },
  {
    docker: /^docker volume create requires at most 1 argument$/,
    plyfs: 'too many arguments: v2',
  },
  {
    docker: /^no such container:path: (c1):(\/nothere)$/,
    plyfs: 'could not find the file $2 in container $1',
  },
  {
    docker: /^no such container:path: (c1):(\/new)$/,
    plyfs: 'could not find the directory $2 in container $1',
  },
  { docker: /^no such container:path: (nothere):.*$/, plyfs: 'no such container: $1' },
  {
    docker: /^lstat \$pwd\/(\w+): no such file or directory$/,
    plyfs: 'could not find the file $1 in the host',
  },
  {
    docker: /^container rootfs is marked read-only$/,
    plyfs: 'cannot copy to /f of container c1: container rootfs is marked read-only',
  },
  { docker: /^no such directory$/, plyfs: 'cannot copy to /new/ of container c1: no such directory' },
  {
    docker: /^cannot copy directory$/,
    plyfs: 'cannot copy a directory to the file /data/seed of container c1',
  },
  {
    docker: /^invalid reference format: repository name must be lowercase$/,
    plyfs: 'invalid reference format: bad: the name must be lowercase',
  },
  { docker: /cant evaluate field nothing$/, plyfs: 'map has no entry for key nothing' },
  {
    docker:
      /^(?:.*)?conflict\. the container name \/(\w+) is already in use by container (\S+?)\. you have to .*$/,
    plyfs: 'conflict: the container name $1 is already in use by container $2',
  },
  {
    docker: /^invalid container name \((.*)\), only (\S+) are allowed$/,
    plyfs: 'invalid container name $1: only $2 are allowed',
  },
  { docker: /^container <id> is not running$/, plyfs: 'container c1 is not running' },
  {
    docker: /^cannot kill container: (c1): container <id> is not running$/,
    plyfs: 'cannot kill container $1: it is not running',
  },
  {
    docker: /^you cannot remove a running container <id>\. stop the container .*$/,
    plyfs: 'cannot remove container c1: container is running',
  },
  { docker: /^remove (\w+): volume is in use/, plyfs: 'cannot remove volume $1: volume is in use' },
  { docker: /^invalid mode: (frob)$/, plyfs: 'invalid mode: $1' },
  { docker: /unexpected key (\w+) in (\S+)$/, plyfs: 'unknown option $1 in $2' },
  {
    docker: /^invalid argument (\S+) for --mount flag: target is required$/,
    plyfs: 'invalid mount config for type bind: field target must not be empty',
  },
  { docker: /^invalid tmpfs option \[(\w+) (\w+)\]$/, plyfs: 'invalid tmpfs option: $1=$2' },
  { docker: /^poorly formatted environment: /, plyfs: 'poorly formatted environment in e: ' },
];
