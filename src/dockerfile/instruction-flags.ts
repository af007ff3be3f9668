/**
 * The flags of an instruction, `--name` or `--name=value`, which stand before its arguments. Quotes and escapes in them
 * are taken away; `--` alone ends them. As BuildKit reads them (frontend/dockerfile/parser/split_command.go).
 */

export interface Flag {
  readonly name: string;
  /** Undefined: `--name` alone. */
  readonly value: string | undefined;
}

interface FlaggedText {
  readonly flags: readonly Flag[];
  readonly rest: string;
}

/** @param text what stands after the keyword. */
export function splitFlags(text: string, escapeChar: string): FlaggedText {
  const flags: Flag[] = [];
  let at = 0;
  for (;;) {
    while (/\s/.test(text[at] ?? '')) at += 1;
    if (!text.startsWith('--', at)) return { flags, rest: text.slice(at).trim() };
    const { word, end } = readWord(text, at, escapeChar);
    at = end;
    if (word === '--') return { flags, rest: text.slice(at).trim() };
    const equals = word.indexOf('=');
    flags.push(
      equals < 0
        ? { name: word.slice(2), value: undefined }
        : { name: word.slice(2, equals), value: word.slice(equals + 1) },
    );
  }
}

function readWord(
  text: string,
  start: number,
  escapeChar: string,
): { readonly word: string; readonly end: number } {
  let word = '';
  let quote = '';
  let at = start;
  for (; at < text.length; at += 1) {
    const char = text[at]!;
    if (char === escapeChar) {
      at += 1;
      word += text[at] ?? '';
    } else if (quote !== '') {
      if (char === quote) quote = '';
      else word += char;
    } else if (char === '"' || char === "'") quote = char;
    else if (/\s/.test(char)) break;
    else word += char;
  }
  return { word, end: at };
}
