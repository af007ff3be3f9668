/**
 * Help texts at the width of the terminal. They are written in lines of up to 125 characters; where the terminal has fewer, paragraphs are
 * filled anew and entries of lists go on under their text. Examples stay as they are: they are copied.
 */

const NARROWEST = 40;

export function wrapHelp(text: string, width: number): string {
  const most = Math.max(width, NARROWEST);
  const lines = text.split('\n');
  const wrapped: string[] = [];
  let isExample = false;
  for (let at = 0; at < lines.length; at++) {
    const line = lines[at] ?? '';
    if (!line.startsWith(' ')) isExample = /^Examples?:$/.test(line);
    const paragraph = [line];
    while (isText(line) && isText(lines[at + 1])) paragraph.push(lines[++at] ?? '');
    const isFit = paragraph.every((one) => one.length <= most);
    if (isFit || isExample) wrapped.push(...paragraph);
    else wrapped.push(...fill(paragraph.join(' '), most, hangingIndent(line, most)));
  }
  return wrapped.join('\n');
}

function isText(line: string | undefined): boolean {
  return line !== undefined && line !== '' && !line.startsWith(' ') && !line.endsWith(':');
}

/** Under the second column of an entry, or a little further in than the line. */
function hangingIndent(line: string, most: number): number {
  const entry = /^( +\S.*? {2,})\S/.exec(line)?.[1]?.length ?? 0;
  const indent = /^ */.exec(line)?.[0].length ?? 0;
  return entry > 0 && entry < most / 2 ? entry : indent;
}

function fill(text: string, most: number, indent: number): string[] {
  const lines: string[] = [];
  let line = '';
  // The blanks before a word belong to it: columns keep their places.
  for (const word of text.match(/ *\S+/g) ?? []) {
    if (line !== '' && line.length + word.length > most) {
      lines.push(line);
      line = ' '.repeat(indent) + word.trimStart();
    } else line += word;
  }
  return [...lines, line];
}
