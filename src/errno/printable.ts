/**
 * Text that came from elsewhere, made fit for a terminal: what would move the cursor, turn the direction of the text or
 * end the line shows as the shell writes it, `'a'$'\n''b'`, the form of GNU ls' --quoting-style=shell-escape.
 *
 * Bytes that are no UTF-8 stand in text as vfs/name.ts has them: U+DC80 to U+DCFF.
 */

/**
 * Controls (C0, DEL, C1), line and paragraph separators, what is invisible or turns the text, halves of surrogate pairs. Not
 * the joiners: scripts and emojis need them.
 */
const UNSAFE = /(?:[\p{Cc}\p{Cs}\p{Zl}\p{Zp}]|(?![\u200c\u200d])\p{Cf})+/gu;

const LETTERS: Readonly<Record<string, string>> = {
  '\x07': '\\a',
  '\b': '\\b',
  '\t': '\\t',
  '\n': '\\n',
  '\v': '\\v',
  '\f': '\\f',
  '\r': '\\r',
};

/** A name as it is, or quoted when it holds what a terminal must not get: a shell makes the same name of it. */
export function quotedName(name: string): string {
  const pieces = name.split(UNSAFE);
  if (pieces.length === 1) return name;
  const escapes = name.match(UNSAFE) ?? [];
  return pieces
    .map((piece, index) => {
      const plain = piece === '' && index > 0 ? '' : `'${piece.replaceAll("'", "'\\''")}'`;
      const run = escapes[index];
      return run === undefined ? plain : `${plain}$'${escaped(run)}'`;
    })
    .join('');
}

/** A line of ours that holds names, most of them in quotes: it stays one line, and `'a\nb'` reads as the shell has it. */
export function oneLine(text: string): string {
  return text.replace(UNSAFE, (run) => `'$'${escaped(run)}''`);
}

/** JSON of which nothing is unsafe, with `\u` escapes; the line breaks between its parts stay. */
export function printableJson(json: string): string {
  return json.replace(UNSAFE, (run) =>
    run
      .split('')
      .map((unit) => (unit === '\n' ? unit : `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`))
      .join(''),
  );
}

function escaped(run: string): string {
  return [...run].map((char) => LETTERS[char] ?? octal(char)).join('');
}

/** The bytes of a character; half a surrogate pair that stands for a byte is that byte. */
function octal(char: string): string {
  const code = char.charCodeAt(0);
  const isByte = char.length === 1 && code >= 0xdc80 && code <= 0xdcff;
  const bytes = isByte ? [code - 0xdc00] : [...Buffer.from(char, 'utf8')];
  return bytes.map((byte) => `\\${byte.toString(8).padStart(3, '0')}`).join('');
}
