/**
 * Layers as data: what a test says of the directories under a mount, and the tree that their union must show.
 *
 * Names and symlink contents are latin1 strings (one char a byte). Times are nanoseconds. The module is pure: the
 * operator writes a layer to disk (`operations/build-layers.ts`) in the form of kernel overlayfs, so whiteout() is a character
 * device 0:0 and `opaque` an xattr. Spec of the union: semantics.md section 2.
 */

export interface Attributes {
  readonly mode?: number;
  readonly uid?: number;
  readonly gid?: number;
  readonly mtimeNs?: bigint;
  readonly atimeNs?: bigint;
  readonly xattrs?: Readonly<Record<string, string | Uint8Array>>;
}

export interface FileSpec extends Attributes {
  readonly type: 'file';
  /** Pieces of data by offset; what lies between them is a hole. */
  readonly pieces: readonly (readonly [offset: number, data: string | Uint8Array])[];
  readonly sizeBytes: number;
}
export interface DirSpec extends Attributes {
  readonly type: 'dir';
  readonly entries: Readonly<Record<string, NodeSpec>>;
  /** `trusted` or `user` names the namespace of the xattr that makes it opaque. */
  readonly opaque?: 'trusted' | 'user' | undefined;
}
interface SymlinkSpec extends Attributes {
  readonly type: 'symlink';
  readonly target: string;
}
interface SpecialSpec extends Attributes {
  readonly type: 'fifo' | 'socket' | 'char' | 'block';
  readonly major: number;
  readonly minor: number;
}
interface WhiteoutSpec extends Attributes {
  readonly type: 'whiteout';
}
interface HardlinkSpec extends Attributes {
  readonly type: 'hardlink';
  /** Path within the same layer. */
  readonly to: string;
}
export type NodeSpec = FileSpec | DirSpec | SymlinkSpec | SpecialSpec | WhiteoutSpec | HardlinkSpec;

/** Bottom first, as `plyfs mount -l` takes them. */
export type Layers = readonly DirSpec[];

/** What nodes get that name no time: far enough back that every change shows. The access time is older still. */
export const DEFAULT_MTIME_NS = 1_000_000_000_123_456_789n;
export const DEFAULT_ATIME_NS = DEFAULT_MTIME_NS - 1_000_000_007n;

export function layers(...stack: DirSpec[]): Layers {
  return stack;
}

export function file(data: string | Uint8Array = '', attributes: Attributes = {}): FileSpec {
  const sizeBytes = typeof data === 'string' ? Buffer.byteLength(data, 'latin1') : data.length;
  return { type: 'file', pieces: sizeBytes === 0 ? [] : [[0, data]], sizeBytes, ...attributes };
}

/** A file with holes. */
export function sparse(
  sizeBytes: number,
  pieces: FileSpec['pieces'] = [],
  attributes: Attributes = {},
): FileSpec {
  return { type: 'file', pieces, sizeBytes, ...attributes };
}

export function dir(
  entries: Readonly<Record<string, NodeSpec>> = {},
  attributes: Attributes & { readonly opaque?: boolean | 'trusted' | 'user' } = {},
): DirSpec {
  const { opaque, ...rest } = attributes;
  const form = opaque === true ? 'trusted' : opaque === false ? undefined : opaque;
  return { type: 'dir', entries, opaque: form, ...rest };
}

export function symlink(target: string, attributes: Attributes = {}): SymlinkSpec {
  return { type: 'symlink', target, ...attributes };
}

export function fifo(attributes: Attributes = {}): SpecialSpec {
  return { type: 'fifo', major: 0, minor: 0, ...attributes };
}

export function socket(attributes: Attributes = {}): SpecialSpec {
  return { type: 'socket', major: 0, minor: 0, ...attributes };
}

export function charDevice(major: number, minor: number, attributes: Attributes = {}): SpecialSpec {
  return { type: 'char', major, minor, ...attributes };
}

export function blockDevice(major: number, minor: number, attributes: Attributes = {}): SpecialSpec {
  return { type: 'block', major, minor, ...attributes };
}

export function whiteout(): WhiteoutSpec {
  return { type: 'whiteout' };
}

export function hardlink(to: string): HardlinkSpec {
  return { type: 'hardlink', to };
}

/** The tree that the union of the layers shows, as one plain directory. */
export function mergeLayers(stack: Layers): DirSpec {
  let merged: DirSpec = dir();
  for (const layer of stack) merged = { ...mergeDirs(merged, layer), opaque: undefined };
  return merged;
}

function mergeDirs(below: DirSpec, above: DirSpec): DirSpec {
  const entries: Record<string, NodeSpec> = above.opaque === undefined ? { ...below.entries } : {};
  for (const [name, node] of Object.entries(above.entries)) {
    const under = entries[name];
    if (node.type === 'whiteout') delete entries[name];
    else if (node.type === 'dir') entries[name] = mergeDirs(under?.type === 'dir' ? under : dir(), node);
    else entries[name] = withoutOverlayXattrs(node);
  }
  return withoutOverlayXattrs({ ...above, opaque: undefined, entries });
}

function withoutOverlayXattrs<T extends Attributes>(node: T): T {
  if (node.xattrs === undefined) return node;
  const kept = Object.entries(node.xattrs).filter(([name]) => !/^(trusted|user)\.overlay\./.test(name));
  return { ...node, xattrs: Object.fromEntries(kept) };
}

/** How many entries of one directory a report shows. */
const MAX_SHOWN = 30;

/** One line a node, for a failure's report. */
export function describeLayers(stack: Layers): string {
  return stack.map((layer, index) => `layer ${index}${describeNode(layer, '  ')}`).join('\n');
}

function describeNode(node: NodeSpec, indent: string): string {
  if (node.type !== 'dir') return ` ${node.type}`;
  const all = Object.entries(node.entries);
  const lines = all
    .slice(0, MAX_SHOWN)
    .map(([name, child]) => `\n${indent}${JSON.stringify(name)}${describeNode(child, `${indent}  `)}`);
  if (all.length > MAX_SHOWN) lines.push(`\n${indent}and ${all.length - MAX_SHOWN} more`);
  return `${node.opaque === undefined ? '' : ' (opaque)'}/${lines.join('')}`;
}
