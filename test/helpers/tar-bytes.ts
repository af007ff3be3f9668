/**
 * Tars as bytes, entry by entry, also wrong ones: what src writes is not used, so that a mistake there shows.
 */

export interface TarPiece {
  readonly name: string;
  /** '0' file, '1' link, '2' symlink, '3' and '4' devices, '5' directory, 'x' pax records ... */
  readonly type?: string;
  readonly content?: string | Buffer;
  readonly mode?: number;
  readonly uid?: number;
  readonly gid?: number;
  readonly mtime?: number;
  readonly link?: string;
  readonly major?: number;
  readonly minor?: number;
  /** Records of a pax header before the entry; values latin1. */
  readonly pax?: Readonly<Record<string, string>>;
  /** What the header says, where it is not the content's length. */
  readonly size?: number;
  /** The 12 bytes of the size's field. */
  readonly rawSize?: Buffer;
  /** Adds to the checksum. */
  readonly wrongChecksum?: number;
}

const BLOCK = 512;

/** All pieces and the two blocks of zeros at the end. */
export function tarBytes(...pieces: readonly TarPiece[]): Buffer {
  return Buffer.concat([...pieces.map(pieceBytes), Buffer.alloc(2 * BLOCK)]);
}

export function pieceBytes(piece: TarPiece): Buffer {
  const { pax, ...rest } = piece;
  if (pax === undefined) return withContent(rest);
  const records = Object.entries(pax).map(([key, value]) => paxRecord(key, value));
  return Buffer.concat([
    withContent({ name: 'PaxHeaders/x', type: 'x', content: Buffer.concat(records) }),
    withContent(rest),
  ]);
}

export function paxRecord(key: string, value: string): Buffer {
  const rest = ` ${key}=${value}\n`;
  let length = rest.length;
  while (String(length).length + rest.length !== length) length = String(length).length + rest.length;
  return Buffer.from(`${length}${rest}`, 'latin1');
}

function withContent(piece: TarPiece): Buffer {
  const content = Buffer.isBuffer(piece.content) ? piece.content : Buffer.from(piece.content ?? '', 'latin1');
  const padding = Buffer.alloc((BLOCK - (content.length % BLOCK)) % BLOCK);
  return Buffer.concat([headerBytes(piece, content.length), content, padding]);
}

function headerBytes(piece: TarPiece, length: number): Buffer {
  const block = Buffer.alloc(BLOCK);
  const octal = (value: number, at: number, width: number): void => {
    block.write(`${value.toString(8).padStart(width - 1, '0')}\0`, at, 'latin1');
  };
  block.write(piece.name.slice(0, 100), 0, 'latin1');
  octal(piece.mode ?? (piece.type === '5' ? 0o755 : 0o644), 100, 8);
  octal(piece.uid ?? 0, 108, 8);
  octal(piece.gid ?? 0, 116, 8);
  octal(piece.size ?? length, 124, 12);
  piece.rawSize?.copy(block, 124);
  octal(piece.mtime ?? 1_000_000_000, 136, 12);
  block.write(piece.type ?? '0', 156, 'latin1');
  block.write((piece.link ?? '').slice(0, 100), 157, 'latin1');
  block.write('ustar\x0000', 257, 'latin1');
  octal(piece.major ?? 0, 329, 8);
  octal(piece.minor ?? 0, 337, 8);
  block.write('        ', 148, 'latin1');
  const sum = block.reduce((total, byte) => total + byte, 0) + (piece.wrongChecksum ?? 0);
  block.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148, 'latin1');
  return block;
}
