/**
 * What the page asks and what it is told: the calls of `GET /api/METHOD?ARGS`, where ARGS is JSON, and what it may change. Server and page
 * share these types.
 *
 * Names and paths are text as `displayName()` makes it, of which `nameFromText()` makes the bytes again; paths begin without a slash,
 * '' is the root. A source is what is looked at: `image:NAME`, `container:NAME`, `volume:NAME` or `mount:PATH`.
 */

export type SourceKind = 'image' | 'container' | 'volume' | 'mount';

export interface OverviewReply {
  /** What the command line named; undefined: nothing. */
  readonly start: string | undefined;
  /** Whether the page may change anything. */
  readonly mayWrite: boolean;
  readonly images: readonly ImageLine[];
  readonly containers: readonly ContainerLine[];
  readonly volumes: readonly VolumeLine[];
  readonly mounts: readonly MountLine[];
}

interface ImageLine {
  readonly name: string;
  readonly id: string;
  readonly created: string;
  readonly sizeBytes: number;
  readonly layers: number;
}

interface ContainerLine {
  readonly name: string;
  readonly id: string;
  readonly image: string;
  readonly status: string;
}

export interface VolumeLine {
  readonly name: string;
  readonly createdAt: string;
  readonly isAnonymous: boolean;
  /** `CONTAINER:PATH of IMAGE` of an anonymous volume. */
  readonly madeFor: string;
  /** What was in it when somebody last looked. */
  readonly usage: { readonly bytes: number; readonly files: number; readonly measuredAt: string } | undefined;
  readonly users: readonly {
    readonly kind: string;
    readonly name: string;
    readonly targets: readonly string[];
  }[];
  readonly path: string;
}

/** One volume. */
export interface VolumeReply extends VolumeLine {
  /** The image's directory that it was filled with when it was new. */
  readonly filledFrom: { readonly image: string; readonly path: string } | undefined;
  /** What was in it whenever somebody looked, the oldest first. */
  readonly history: readonly SizePoint[];
}

interface SizePoint {
  readonly timeMs: number;
  readonly bytes: number;
  readonly files: number;
}

export interface MeasureReply {
  /** False of storage that is mounted, which may be remote. */
  readonly isMeasured: boolean;
}

/** What a volume has become since an image filled it. */
export interface DriftReply {
  readonly image: string;
  readonly path: string;
  /** The image's name means another one by now. */
  readonly isOutdated: boolean;
  readonly differences: readonly Pick<DifferenceLine, 'kind' | 'path' | 'from' | 'aspects'>[];
  readonly count: number;
}

interface MountLine {
  readonly mountpoint: string;
  readonly status: string;
  readonly layers: number;
  readonly mounts: readonly string[];
}

export interface StackReply {
  readonly kind: SourceKind;
  readonly title: string;
  /** State of a container, digest of an image. */
  readonly note: string;
  /** Topmost first; none of a volume. */
  readonly layers: readonly ShownLayer[];
  readonly mounts: readonly ShownMount[];
}

export interface ShownLayer {
  /** Counted from the bottom, beginning with 1. */
  readonly number: number;
  readonly kind: 'upper' | 'layer';
  /** chainID in hex, or ''. */
  readonly id: string;
  /** Where it lies on the host. */
  readonly path: string;
  /** The line of the history that made it. */
  readonly createdBy: string;
  /** Undefined: nobody has looked. */
  readonly sizeBytes: number | undefined;
}

interface ShownMount {
  readonly type: string;
  readonly target: string;
  readonly source: string;
  readonly isReadOnly: boolean;
  /** The volume that is mounted. */
  readonly volume: string | undefined;
  /** `remote: nfs`, `2 requests wait, the oldest for 3 s`, `lacks locks` ... */
  readonly notes: readonly string[];
}

interface PathArgs {
  readonly source: string;
  readonly path: string;
}

interface DirectoryArgs extends PathArgs {
  /** The first name wanted, from 0. */
  readonly from: number;
  readonly count: number;
  /** The page that has this name is wanted, if there is one. */
  readonly name?: string | undefined;
  /** The page has changed something in it. */
  readonly isChanged?: boolean;
}

export interface DirectoryReply {
  /** How many names there are. */
  readonly total: number;
  readonly from: number;
  readonly entries: readonly ShownEntry[];
}

export interface ShownFacts {
  /** `file`, `directory`, `symlink`, `character`, `block`, `fifo`, `socket`. */
  readonly type: string;
  /** Permission bits. */
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly sizeBytes: number;
  readonly mtimeMs: number;
}

export interface ShownEntry {
  readonly name: string;
  /** Undefined of a name that no layer has: of a mount point, or where there is a whiteout alone. */
  readonly facts: ShownFacts | undefined;
  /** The layer whose object shows, or showed before it was hidden; 0 where there are no layers. */
  readonly layer: number;
  /** All layers that have the name, topmost first. */
  readonly layers: readonly number[];
  /** Why it does not show: the layer and how; undefined: it shows. */
  readonly hidden: { readonly layer: number; readonly kind: string } | undefined;
  /** The type of what is mounted there, or that it leads to a mount. */
  readonly mount: string | undefined;
}

export interface WhyAnswer {
  readonly path: string;
  readonly shown: { readonly kind: string; readonly where: string } | null;
  readonly chain: readonly ChainStep[];
  /** Why nothing can be written there; undefined also of what is not mounted. */
  readonly readOnly: string | undefined;
  readonly facts: ShownFacts | undefined;
  /** What a symlink leads to. */
  readonly target: string | undefined;
}

interface ChainStep {
  readonly what: string;
  readonly path: string;
  /** The number of the layer; undefined of a mount. */
  readonly layer: number | undefined;
  readonly by?: string;
  readonly note?: string;
}

interface ContentArgs extends PathArgs {
  /** The layer whose object is wanted, also a hidden one; undefined: what shows. */
  readonly layer?: number | undefined;
}

export interface ContentReply {
  readonly sizeBytes: number;
  /** `text`, `image/png` ..., or what the binary is. */
  readonly kind: string;
  /** The beginning of a text. */
  readonly text?: string;
  /** A whole picture. */
  readonly base64?: string;
  readonly isCut: boolean;
  /** What tells whether somebody has written a text since. */
  readonly version?: string | undefined;
}

export interface DraftsReply {
  readonly drafts: readonly DraftLine[];
}

export interface DraftLine {
  readonly name: string;
  /** `5 minutes ago`. */
  readonly age: string;
  readonly isUsed: boolean;
  readonly over: readonly string[];
  /** The last one that ran in it. */
  readonly command: string;
  /** The owner of a bind with `cow`: `container:NAME` or `mount:PATH`. */
  readonly source: string | undefined;
}

export interface ReviewReply {
  readonly changes: readonly ReviewLine[];
  readonly count: number;
}

export interface ReviewLine {
  /** Names the change. */
  readonly key: string;
  readonly kind: 'deleted' | 'moved' | 'added' | 'changed';
  /** Absolute. */
  readonly path: string;
  readonly from: string | undefined;
  readonly type: string;
  readonly notes: readonly string[];
  /** What deserves a second look. */
  readonly marks: readonly string[];
  /** What has to be said yes to. */
  readonly permits: readonly string[];
  /** What the host has changed there meanwhile. */
  readonly conflict: string | undefined;
  /** What differs in a text. */
  readonly hunks: readonly { readonly place: string; readonly lines: readonly string[] }[] | undefined;
}

export interface SpaceReply {
  readonly path: string;
  /** Largest first. */
  readonly entries: readonly SpaceEntry[];
  /** What was left out: smaller than all others. */
  readonly rest: { readonly count: number; readonly bytes: number };
}

export interface SpaceEntry {
  readonly name: string;
  readonly isDirectory: boolean;
  readonly bytes: number;
  readonly byLayer: readonly (readonly [layer: number, bytes: number])[];
}

export interface WasteReply {
  readonly totalBytes: number;
  readonly wastedBytes: number;
  readonly bytesOf: Readonly<Record<string, number>>;
  readonly byLayer: readonly (readonly [layer: number, bytes: number])[];
  /** The largest. */
  readonly files: readonly WasteLine[];
  readonly count: number;
}

interface WasteLine {
  readonly path: string;
  readonly kind: string;
  readonly sizeBytes: number;
  readonly layer: number;
  readonly causedBy: number;
  readonly createdBy: string;
  readonly sameAs: string | undefined;
}

export interface FindArgs {
  readonly source: string;
  readonly pattern?: string | undefined;
  readonly content?: string | undefined;
  readonly type?: string | undefined;
  readonly uid?: number | undefined;
  readonly isSetId?: boolean | undefined;
  readonly minBytes?: number | undefined;
  readonly isHidden?: boolean | undefined;
  /** Changed since so many days. */
  readonly days?: number | undefined;
}

export interface FindReply {
  readonly rows: readonly FoundLine[];
  /** There is more. */
  readonly isCut: boolean;
}

export interface FoundLine {
  readonly path: string;
  readonly layer: number;
  readonly createdBy: string;
  readonly facts: ShownFacts;
  readonly hidden: ShownEntry['hidden'];
}

interface CompareArgs {
  readonly before: string;
  readonly after: string;
  /** Times do not count. */
  readonly isSemantic: boolean;
}

export interface CompareReply {
  readonly differences: readonly DifferenceLine[];
  readonly count: number;
}

export interface DifferenceLine {
  readonly kind: 'A' | 'C' | 'D' | 'R';
  readonly path: string;
  readonly from: string | undefined;
  readonly aspects: readonly string[];
  readonly before: ShownFacts | undefined;
  readonly after: ShownFacts | undefined;
}

interface HunksArgs {
  readonly before: string;
  readonly after: string;
  readonly path: string;
}

export interface HunksReply {
  /** As diff(1) has them; undefined where there is no text. */
  readonly lines: readonly string[] | undefined;
}

export interface MetricsReply {
  readonly timeMs: number;
  readonly mounts: readonly MountActivity[];
  readonly daemons: readonly {
    readonly pid: number;
    readonly residentBytes: number;
    readonly openFiles: number;
    readonly cpuSeconds: number;
  }[];
}

export interface MountActivity {
  readonly id: string;
  readonly mountpoint: string;
  /** Whose it is; undefined: no container's of the store. */
  readonly container: string | undefined;
  readonly pid: number;
  /** Undefined: its daemon does not answer. */
  readonly stats: MountStats | undefined;
}

interface MountStats {
  /** Since the mount began, by kind. */
  readonly requests: Readonly<Record<string, number>>;
  /** By error. */
  readonly failed: Readonly<Record<string, number>>;
  readonly nodes: number;
  readonly waiting: readonly {
    readonly target: string;
    readonly storage: string;
    readonly requests: number;
    readonly oldestMs: number;
  }[];
  readonly recent?: {
    readonly failures: readonly FailureLine[];
    readonly slow: readonly SlowLine[];
    readonly changes: readonly ChangeLine[];
    /** What storage is full. */
    readonly full: readonly string[];
  };
}

/** What happened at a path, and which process did it. */
interface Happening {
  readonly timeMs: number;
  readonly path: string;
  readonly pid: number;
  readonly process: string;
}

export interface FailureLine extends Happening {
  readonly operation: string;
  readonly error: string;
  readonly cause: string;
  readonly count: number;
}

export interface SlowLine extends Happening {
  readonly operation: string;
  readonly tookMs: number;
}

export interface ChangeLine extends Happening {
  readonly kind: 'copy-up' | 'whiteout';
}

/** A line of the stream of events, as `plyfs events` tells them. */
export interface EventLine {
  readonly timeMs: number;
  readonly type: string;
  readonly action: string;
  readonly id: string;
  readonly attributes: Readonly<Record<string, string>>;
}

interface TicketReply {
  readonly ticket: string;
}

export interface ErrorReply {
  readonly error: { readonly message: string; readonly hint: string | undefined };
}

/** By method: its arguments, its reply. */
export interface PageApi {
  readonly overview: readonly [Record<string, never>, OverviewReply];
  readonly stack: readonly [{ readonly source: string }, StackReply];
  readonly directory: readonly [DirectoryArgs, DirectoryReply];
  readonly why: readonly [PathArgs, WhyAnswer];
  readonly content: readonly [ContentArgs, ContentReply];
  readonly space: readonly [PathArgs, SpaceReply];
  readonly waste: readonly [{ readonly source: string }, WasteReply];
  readonly find: readonly [FindArgs, FindReply];
  readonly compare: readonly [CompareArgs, CompareReply];
  readonly hunks: readonly [HunksArgs, HunksReply];
  readonly metrics: readonly [Record<string, never>, MetricsReply];
  readonly volume: readonly [{ readonly volume: string }, VolumeReply];
  readonly measure: readonly [{ readonly volume: string }, MeasureReply];
  readonly drift: readonly [{ readonly volume: string }, DriftReply];
  readonly drafts: readonly [Record<string, never>, DraftsReply];
  readonly review: readonly [{ readonly draft: string }, ReviewReply];
  /** For one download, soon: a file, or a volume as a tar. */
  readonly ticket: readonly [ContentArgs | { readonly export: string }, TicketReply];
}

interface VolumeFileArgs {
  readonly volume: string;
  readonly path: string;
}

interface ApplyArgs {
  readonly draft: string;
  readonly changes: readonly {
    readonly key: string;
    /** Which of its hunks; undefined: all. */
    readonly hunks?: readonly number[];
    /** The draft's side wins where the host has changed too. */
    readonly overridesHost: boolean;
  }[];
  /** What was said yes to. */
  readonly permits: readonly string[];
}

/** `POST /api/METHOD` with the arguments as JSON; refused without `--write`. An upload has its arguments in the address. */
export interface PageChanges {
  readonly edit: readonly [
    VolumeFileArgs & { readonly text: string; readonly version: string },
    { readonly version: string },
  ];
  readonly clone: readonly [{ readonly volume: string; readonly name: string }, object];
  readonly snapshot: readonly [{ readonly volume: string; readonly name: string }, object];
  readonly apply: readonly [ApplyArgs, { readonly applied: number }];
  readonly undo: readonly [Record<string, never>, { readonly draft: string }];
}
