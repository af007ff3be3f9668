/** The bytes of a file of a tree, of what shows or of a layer's own: for previews, a piece at a time for downloads. */

import { kindOf } from '../../draft/changes/content-kind.js';
import { EISDIR, ENOENT } from '../../errno/errno.js';
import { check, fsError } from '../../errno/fs-error.js';
import { TreeSide } from '../../image/contents/tree-side.js';
import { S_IFMT, S_IFREG } from '../../linux/constants.js';
import { preadPrefix } from '../../linux/files/data.js';
import { close } from '../../linux/files/open.js';
import { fileVersion } from '../../realfs/file-version.js';
import type { Name } from '../../vfs/name.js';
import type { ContentReply } from '../api.js';
import { namesOfPath } from './list-directory.js';
import type { ShownTree } from './shown-tree.js';

export interface FilePlace {
  readonly path: Name;
  /** Its number; undefined: what shows. */
  readonly layer: number | undefined;
}

interface FilePiece {
  /** The version of what shows. */
  readonly version?: string;
  readonly sizeBytes: number;
  readonly bytes: Buffer;
}

/** @returns fewer bytes than asked for at the end of the file. @throws FsError, also for what is no regular file. */
export function readPiece(tree: ShownTree, place: FilePlace, offset: number, length: number): FilePiece {
  return place.layer === undefined
    ? pieceOfShown(tree, place.path, { offset, length })
    : pieceOfLayer(tree, place, { offset, length });
}

interface Range {
  readonly offset: number;
  readonly length: number;
}

function pieceOfShown({ fs }: ShownTree, path: Name, { offset, length }: Range): FilePiece {
  const side = new TreeSide(fs);
  return side.at(namesOfPath(path).join('/'), (object) => {
    if (object === undefined) throw fsError(ENOENT, 'open', path);
    if ((object.attr.mode & S_IFMT) !== S_IFREG) throw fsError(EISDIR, 'open', path);
    return side.reading(object, (readAt) => {
      const pieces: Buffer[] = [];
      let at = offset;
      for (let count = readAt(at); count > 0 && at < offset + length; count = readAt(at)) {
        const wanted = Math.min(count, offset + length - at);
        pieces.push(Buffer.from(side.piece.subarray(0, wanted)));
        at += wanted;
      }
      const { attr } = object;
      return { sizeBytes: attr.sizeBytes, bytes: Buffer.concat(pieces), version: fileVersion(attr) };
    });
  });
}

function pieceOfLayer(tree: ShownTree, { path, layer }: FilePlace, { offset, length }: Range): FilePiece {
  const names = namesOfPath(path);
  using directory = tree.union?.layered(names.slice(0, -1));
  const pieces = directory?.eachObject(names.at(-1) ?? '', (object): FilePiece | undefined => {
    if (tree.top - object.layer !== layer) return undefined;
    if ((object.stat.mode & S_IFMT) !== S_IFREG) throw fsError(EISDIR, 'open', path);
    const fd = object.open();
    try {
      const bytes = Buffer.alloc(Math.max(0, Math.min(length, object.stat.sizeBytes - offset)));
      const count = check(preadPrefix(fd, bytes, bytes.length, offset), 'read', path);
      return { sizeBytes: object.stat.sizeBytes, bytes: bytes.subarray(0, count) };
    } finally {
      close(fd);
    }
  });
  const piece = pieces?.find((one) => one !== undefined);
  if (piece === undefined) throw fsError(ENOENT, 'open', path);
  return piece;
}

const PREVIEW_BYTES = 128 * 1024;
const PICTURE_BYTES = 4 * 1024 * 1024;
const PICTURES: Readonly<Record<string, string>> = {
  'PNG image': 'image/png',
  'JPEG image': 'image/jpeg',
  'GIF image': 'image/gif',
};

/** @throws FsError as `readPiece()` */
export function readPreview(tree: ShownTree, place: FilePlace): ContentReply {
  const { sizeBytes, bytes, version } = readPiece(tree, place, 0, PREVIEW_BYTES);
  const kind = kindOf(bytes, sizeBytes);
  const isCut = sizeBytes > bytes.length;
  if (kind === 'text') return { sizeBytes, kind, text: bytes.toString('utf8'), isCut, version };
  const picture = PICTURES[kind];
  if (picture === undefined || sizeBytes > PICTURE_BYTES) return { sizeBytes, kind, isCut };
  const whole = readPiece(tree, place, 0, PICTURE_BYTES).bytes;
  return { sizeBytes, kind: picture, base64: whole.toString('base64'), isCut: false };
}
