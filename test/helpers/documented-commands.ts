/**
 * The commands of a document: the lines after a prompt (`$` or `#`) of its `console` blocks, with the output that the page
 * shows below them, and the lines of its `sh` blocks.
 */

interface DocumentedCommand {
  /** In the document, from 1. */
  readonly line: number;
  readonly text: string;
  /** Undefined when the page shows none: in `sh` blocks. */
  readonly output: string | undefined;
}

export function documentedCommands(document: string): DocumentedCommand[] {
  const found: { line: number; text: string; output: string | undefined }[] = [];
  let language: string | undefined;
  for (const [index, line] of document.split('\n').entries()) {
    const fence = /^```(\w*)$/.exec(line);
    if (fence !== null) {
      language = language === undefined ? fence[1] : undefined;
      continue;
    }
    const prompted = language === 'console' ? /^[$#] (.*)$/.exec(line)?.[1] : undefined;
    const text = language === 'sh' && line !== '' ? line : prompted;
    if (text !== undefined)
      found.push({ line: index + 1, text, output: language === 'console' ? '' : undefined });
    else if (language === 'console') found.at(-1)!.output += `${line}\n`;
  }
  return found;
}

/** Output without what differs each time: folders, ids, times, process numbers, sizes, the width of columns. */
export function comparable(output: string, root: string): string {
  return output
    .replaceAll(root, '/tmp/try')
    .replace(/\b[0-9a-f]{64}\b/g, 'ID')
    .replace(/\[[0-9a-f]{12}\]/g, '[ID]')
    .replace(/\d{4}-\d\d-\d\dT[\d:.]+Z/g, 'TIME')
    .replace(/ \d+ +TIME/g, ' PID TIME')
    .replace(/\(pid \d+\)/g, '(pid PID)')
    .replace(/\b\d+(?:\.\d+)? ?[kMG]?B\b/g, 'SIZE')
    .split('\n')
    .map((line) => line.replace(/ +/g, ' ').trimEnd())
    .join('\n')
    .trimEnd();
}
