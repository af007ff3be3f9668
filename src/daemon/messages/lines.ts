/**
 * Lines out of a stream of text chunks, for the newline-delimited JSON that the daemon and its commands exchange.
 */

/**
 * A listener for 'data' that calls `onLine` for each full line, without its newline.
 *
 * A line longer than `limit` characters is reported once as undefined; after that nothing is.
 */
export function splitLines(
  limit: number,
  onLine: (line: string | undefined) => void,
): (chunk: string) => void {
  let pending = '';
  let failed = false;
  return (chunk) => {
    if (failed) return;
    const lines = (pending + chunk).split('\n');
    pending = lines.pop() ?? '';
    for (const line of lines) onLine(line);
    if (pending.length > limit) {
      failed = true;
      pending = '';
      onLine(undefined);
    }
  };
}
