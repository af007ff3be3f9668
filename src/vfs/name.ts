/**
 * Names are bytes. A name is a latin1 string: one char a byte, never decoded, so that any name a disk can hold passes
 * through unchanged. Text for people is made with `displayName()` alone.
 */

export type Name = string;

/** A name from text, as UTF-8 bytes; what stands for other bytes (`textFromName()`) becomes these. */
export function nameFromText(text: string): Name {
  if (!STRAY.test(text)) return Buffer.from(text, 'utf8').toString('latin1');
  let name = '';
  for (const char of text) {
    name += STRAY.test(char)
      ? String.fromCharCode(char.charCodeAt(0) - STRAY_BASE)
      : Buffer.from(char, 'utf8').toString('latin1');
  }
  return name;
}

/** Bytes that are no UTF-8 are these in text: half a surrogate pair, which no UTF-8 gives. */
const STRAY = /[\udc80-\udcff]/u;
const STRAY_BASE = 0xdc00;

/** Text of which `nameFromText()` makes the name again, whatever its bytes are. */
export function textFromName(name: Name): string {
  const bytes = Buffer.from(name, 'latin1');
  const text = bytes.toString('utf8');
  if (!text.includes('\ufffd') || Buffer.from(text, 'utf8').equals(bytes)) return text;
  let out = '';
  for (let at = 0; at < bytes.length; ) {
    const length = sequenceLength(bytes, at);
    out +=
      length === 0 ? String.fromCharCode(STRAY_BASE + bytes[at]!) : bytes.toString('utf8', at, at + length);
    at += Math.max(length, 1);
  }
  return out;
}

/** The length of the UTF-8 sequence that begins there; 0: it is none. */
function sequenceLength(bytes: Buffer, at: number): number {
  const first = bytes[at]!;
  const length = first < 0x80 ? 1 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
  const piece = bytes.subarray(at, at + length);
  return Buffer.from(piece.toString('utf8'), 'utf8').equals(piece) ? length : 0;
}

/** Text for people. The name is kept in it: the command line's output makes its bytes of it again, or quotes them. */
export const displayName: (name: Name) => string = textFromName;
